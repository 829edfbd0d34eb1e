/* Affine layers, which map every channel of a jet by the same matrix; and the shape of a network. */

/* Z[o] = sum_k W(o,k) A[k] + bias[o] for one channel; W(o,k) = W[o*so + k*sk]. */
static void affine(const real *W, int out, int in, long so, long sk, const real *bias, const real *A, real *Z) {
  int o = 0;
  for (; o + 4 <= out; o += 4) {
    for (int part = 0; part < B; part += COLUMNS * LANES) {
      vec acc[4][COLUMNS];
      for (int i = 0; i < 4; i++)
        for (int v = 0; v < COLUMNS; v++) acc[i][v] = (vec){0} + (bias ? bias[o + i] : (real)0);
      for (int k = 0; k < in; k++) {
        const real *a = A + (long)k * B + part, *w = W + o * so + k * sk;
        for (int v = 0; v < COLUMNS; v++) {
          vec x = *(const vec *)(a + v * LANES);
          for (int i = 0; i < 4; i++) acc[i][v] += w[i * so] * x;
        }
      }
      for (int i = 0; i < 4; i++)
        for (int v = 0; v < COLUMNS; v++) *(vec *)(Z + (long)(o + i) * B + part + v * LANES) = acc[i][v];
    }
  }
  for (; o < out; o++) {
    vec acc[NV];
    for (int v = 0; v < NV; v++) acc[v] = (vec){0} + (bias ? bias[o] : (real)0);
    for (int k = 0; k < in; k++)
      for (int v = 0; v < NV; v++) acc[v] += W[o * so + k * sk] * *(const vec *)(A + (long)k * B + v * LANES);
    for (int v = 0; v < NV; v++) *(vec *)(Z + (long)o * B + v * LANES) = acc[v];
  }
}

/* grad(o,k) += sum_{c,p} Zbar[c][o][p] A[c][k][p], kept LANES-wide so that nothing is reduced inside the loop. */
static void outer(int C, int out, int in, const real *Zbar, const real *A, vec *grad) {
  long zs = (long)out * B, as = (long)in * B;
  for (int o = 0; o < out; o += 4) {
    int no = out - o < 4 ? out - o : 4;
    for (int k = 0; k < in; k += COLUMNS) {
      int nk = in - k < COLUMNS ? in - k : COLUMNS;
      if (no == 4 && nk == COLUMNS) {
        vec acc[4][COLUMNS];
        memset(acc, 0, sizeof acc);
        for (int c = 0; c < C; c++) {
          const real *z = Zbar + c * zs + (long)o * B, *a = A + c * as + (long)k * B;
          for (int j = 0; j < B; j += LANES) {
            vec x[COLUMNS];
            for (int q = 0; q < COLUMNS; q++) x[q] = *(const vec *)(a + q * B + j);
            for (int i = 0; i < 4; i++) {
              vec y = *(const vec *)(z + i * B + j);
              for (int q = 0; q < COLUMNS; q++) acc[i][q] += y * x[q];
            }
          }
        }
        for (int i = 0; i < 4; i++)
          for (int q = 0; q < COLUMNS; q++) grad[(long)(o + i) * in + k + q] += acc[i][q];
      } else {
        for (int i = 0; i < no; i++)
          for (int q = 0; q < nk; q++) {
            vec acc = {0};
            for (int c = 0; c < C; c++)
              for (int j = 0; j < B; j += LANES)
                acc += *(const vec *)(Zbar + c * zs + (long)(o + i) * B + j) *
                       *(const vec *)(A + c * as + (long)(k + q) * B + j);
            grad[(long)(o + i) * in + k + q] += acc;
          }
      }
    }
  }
}

/* Zbar [C][out][B] to the gradient of the layer's weights and biases, which start at parameter `at`.
 * jacobian == NULL: added to grad[parameter][LANES].  Otherwise row rows[parameter] of jacobian (leading dimension ld)
 * gets each point's own gradient, in the columns of block b; a parameter whose row is negative has none. */
static void weight_gradient(int C, int out, int in, long at, const real *Zbar, const real *a, real *grad,
                            real *jacobian, long ld, const long *rows, long b) {
  if (jacobian) {
    for (int o = 0; o < out; o++) {
      for (int k = 0; k < in; k++) {
        long r = rows[at + (long)o * in + k];
        if (r < 0) continue;
        real *row = jacobian + r * ld + b * B;
        for (int j = 0; j < B; j += LANES) {
          vec sum = {0};
          for (int c = 0; c < C; c++)
            sum += *(const vec *)(Zbar + ((long)c * out + o) * B + j) * *(const vec *)(a + ((long)c * in + k) * B + j);
          *(vec *)(row + j) = sum;
        }
      }
      long r = rows[at + (long)out * in + o];
      if (r >= 0) memcpy(jacobian + r * ld + b * B, Zbar + (long)o * B, sizeof(real) * B);
    }
  } else {
    vec *g = (vec *)grad + at;
    outer(C, out, in, Zbar, a, g);
    for (int o = 0; o < out; o++)
      for (int j = 0; j < B; j += LANES) g[(long)out * in + o] += *(const vec *)(Zbar + (long)o * B + j);
  }
}

/* The affine layer with parameters W [out][in], bias [out] on all channels. */
static void affine_jet(int C, const real *W, int out, int in, const real *A, real *Z) {
  for (int c = 0; c < C; c++)
    affine(W, out, in, in, 1, c ? 0 : W + (long)out * in, A + (long)c * in * B, Z + (long)c * out * B);
}

/* Its transpose: Abar from Zbar. */
static void affine_jet_reverse(int C, const real *W, int out, int in, const real *Zbar, real *Abar) {
  for (int c = 0; c < C; c++) affine(W, in, out, 1, in, 0, Zbar + (long)c * out * B, Abar + (long)c * in * B);
}

/* shape = {C, order, layers, n_terms, n_products, width_0 .. width_L, act_1 .. act_L}; act_L may be NONE.
 * tables = n_terms terms of the chain rule (TERM ints each), then n_products of the product rule (PRODUCT ints). */
typedef struct {
  int C, order, L, n_terms, n_products;
  const int *width, *act;
} Shape;

static Shape read_shape(const int *s) {
  Shape h = {s[0], s[1], s[2], s[3], s[4], s + 5, s + 5 + s[2] + 1};
  return h;
}

/* Size of a jet of the widest layer. */
static long widest_jet(const Shape *h) {
  int widest = 0;
  for (int l = 0; l <= h->L; l++) widest = h->width[l] > widest ? h->width[l] : widest;
  return (long)h->C * widest * B;
}

static int has_rows(const long *rows, long size) {
  for (long i = 0; i < size; i++)
    if (rows[i] >= 0) return 1;
  return 0;
}

/* The lowest affine layer one of whose parameters has a row; those of layer 1 come first in rows. */
static int lowest_layer(const Shape *h, const long *rows) {
  for (int l = 1; l < h->L; l++) {
    long size = (long)h->width[l] * (h->width[l - 1] + 1);
    if (has_rows(rows, size)) return l;
    rows += size;
  }
  return h->L;
}

/* Products by point of two jets [rows][B]. */
static void inner(int rows, const real *a, const real *b, real *out) {
  vec sum[NV];
  memset(sum, 0, sizeof sum);
  for (long i = 0; i < (long)rows * B; i += B)
    for (int v = 0; v < NV; v++) sum[v] += *(const vec *)(a + i + v * LANES) * *(const vec *)(b + i + v * LANES);
  memcpy(out, sum, sizeof sum);
}

/* Jet [rows][B] of block b to the points of all blocks, [rows][points]; its products with a direction, laid out as
 * inputs are, to [points] unless that is NULL. */
static void put(int rows, long points, long b, const real *jet, const real *direction, real *all) {
  if (direction)
    inner(rows, direction + b * rows * B, jet, all + b * B);
  else
    for (int i = 0; i < rows; i++) memcpy(all + i * points + b * B, jet + (long)i * B, sizeof(real) * B);
}

/* The jet's cotangent from that of what `put` has put there. */
static void take(int rows, long points, long b, const real *all, const real *direction, real *jet) {
  if (direction) {
    const real *d = direction + b * rows * B, *weight = all + b * B;
    for (long i = 0; i < (long)rows * B; i += B)
      for (int j = 0; j < B; j += LANES)
        *(vec *)(jet + i + j) = *(const vec *)(weight + j) * *(const vec *)(d + i + j);
  } else {
    for (int i = 0; i < rows; i++) memcpy(jet + (long)i * B, all + i * points + b * B, sizeof(real) * B);
  }
}
