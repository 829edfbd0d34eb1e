/* One pass over a dense symmetric matrix H [n, n], row by row.
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
