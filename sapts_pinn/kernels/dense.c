/* Products of a dense matrix H [n, n] with a vector, in one pass over its rows, or over half of them.
 * Compiled together with vectors.c, which defines real, vec and LANES.
 */

/* out[i] = H[i] . x for rows first .. last-1 */
void dense_product(const real *H, long n, long first, long last, const real *x, real *out) {
  for (long i = first; i < last; i++) {
    const real *row = H + i * n;
    vec acc[4];
    memset(acc, 0, sizeof acc);
    long j = 0;
    for (; j + 4 * LANES <= n; j += 4 * LANES)
      for (int v = 0; v < 4; v++)
        acc[v] += *(const vec *)(row + j + v * LANES) * *(const vec *)(x + j + v * LANES);
    vec total = (acc[0] + acc[1]) + (acc[2] + acc[3]);
    real sum = 0;
    for (int k = 0; k < LANES; k++) sum += total[k];
    for (; j < n; j++) sum += row[j] * x[j];
    out[i] = sum;
  }
}

#define BLOCK 4 /* rows at a time, which share the reading of x and the writing of out */

/* out = what rows first .. last-1 of the upper triangle of a symmetric H contribute to H x, [n] */
void symmetric_product(const real *H, long n, long first, long last, const real *x, real *out) {
  memset(out, 0, n * sizeof(real));
  long i = first;
  for (; i + BLOCK <= last; i += BLOCK) {
    const real *row[BLOCK];
    vec acc[BLOCK], own[BLOCK];
    real sum[BLOCK];
    for (int r = 0; r < BLOCK; r++) {
      row[r] = H + (i + r) * n;
      sum[r] = 0;
      for (int k = 0; k < LANES; k++) acc[r][k] = 0, own[r][k] = x[i + r];
    }
    for (int r = 0; r < BLOCK; r++) {
      sum[r] += row[r][i + r] * x[i + r];
      for (int c = r + 1; c < BLOCK; c++) {
        sum[r] += row[r][i + c] * x[i + c];
        sum[c] += row[r][i + c] * x[i + r];
      }
    }
    long j = i + BLOCK;
    for (; j + LANES <= n; j += LANES) {
      vec there = *(const vec *)(x + j), total = *(vec *)(out + j);
      for (int r = 0; r < BLOCK; r++) {
        vec h = *(const vec *)(row[r] + j);
        acc[r] += h * there;
        total += h * own[r];
      }
      *(vec *)(out + j) = total;
    }
    for (; j < n; j++)
      for (int r = 0; r < BLOCK; r++) {
        sum[r] += row[r][j] * x[j];
        out[j] += row[r][j] * x[i + r];
      }
    for (int r = 0; r < BLOCK; r++) {
      for (int k = 0; k < LANES; k++) sum[r] += acc[r][k];
      out[i + r] += sum[r];
    }
  }
  for (; i < last; i++) {
    const real *row = H + i * n;
    real sum = row[i] * x[i];
    for (long j = i + 1; j < n; j++) {
      sum += row[j] * x[j];
      out[j] += row[j] * x[i];
    }
    out[i] += sum;
  }
}
