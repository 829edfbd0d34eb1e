/* Activation functions: their derivatives, and their action on a jet with its reverse.
 *
 * An activation s maps the channels by Faa di Bruno's formula,
 *     a_alpha = sum over terms (c, k, z_b1 .. z_bk) of  c * s^(k)(z) * z_b1 * ... * z_bk,
 * listed in `terms` (TERM ints each: alpha, c, k, b1 .. b4).
 */

/* 1/i! */
static const real inverse[] = {1.,          1.,           1. / 2,        1. / 6,         1. / 24,
                               1. / 120,    1. / 720,     1. / 5040,     1. / 40320,     1. / 362880,
                               1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800.};

/* exp(x) - 1 and 2^k such that exp(x) = 2^k (1 + p); Cody-Waite reduction and a Taylor polynomial on |r| < 0.35. */
static inline vec exp_parts(vec x, vec *scale) {
#ifdef SINGLE
  const real ln2_hi = 0.693359375f, ln2_lo = -2.12194440e-4f, limit = 87.0f, magic = 12582912.0f;
  const int mantissa = 23, terms = 7;
#else
  const real ln2_hi = 6.93147180369123816490e-01, ln2_lo = 1.90821492927058770002e-10, limit = 708.0;
  const real magic = 6755399441055744.0;
  const int mantissa = 52, terms = 13;
#endif
  vec zero = {0};
  vec hi = zero + limit;
  x = (vec)(((ivec)x & (ivec)(x < hi)) | ((ivec)hi & ~(ivec)(x < hi)));
  x = (vec)(((ivec)x & (ivec)(x > -hi)) | ((ivec)(-hi) & ~(ivec)(x > -hi)));
  vec shifted = x * (real)1.4426950408889634 + magic;
  vec k = shifted - magic;
  vec r = (x - k * ln2_hi) - k * ln2_lo;
  vec p = zero + inverse[terms];
  for (int i = terms - 1; i > 0; i--) p = p * r + inverse[i];
  p = p * r;
  ivec e = (ivec)shifted << mantissa;
  *scale = (vec)(e + (ivec)(zero + (real)1.0));
  return p;
}

static inline vec tanh_vec(vec z) {
  vec scale, p = exp_parts(z + z, &scale);
  vec em1 = scale * p + (scale - (real)1.0);
  vec t = em1 / (em1 + (real)2.0);
  ivec bad = (z != z);
  return (vec)(((ivec)t & ~bad) | ((ivec)z & bad)); /* the clamp above would hide a NaN */
}

static inline vec sigmoid_vec(vec z) {
  vec half = z * (real)0.5;
  return (tanh_vec(half) + (real)1.0) * (real)0.5;
}

/* d[k] = s^(k)(z) for k = 0 .. top; `value` is s^(0)(z) when known from the forward pass (tanh), else NULL. */
static void activation(int kind, int top, const real *z, const real *value, real d[ORDERS][B]) {
  static const real binom[ORDERS][ORDERS] = {{1}, {1, 1}, {1, 2, 1}, {1, 3, 3, 1}, {1, 4, 6, 4, 1}};
  if (kind == TANH) { /* a' = 1 - a^2, hence a^(n+1) = -sum_k C(n,k) a^(k) a^(n-k) for n >= 1 */
    for (int j = 0; j < B; j += LANES) {
      vec a = value ? *(const vec *)(value + j) : tanh_vec(*(const vec *)(z + j));
      vec s[ORDERS];
      s[0] = a;
      s[1] = (real)1.0 - a * a;
      for (int n = 1; n < top; n++) {
        vec sum = {0};
        for (int k = 0; k <= n; k++) sum += binom[n][k] * s[k] * s[n - k];
        s[n + 1] = -sum;
      }
      for (int n = 0; n <= top; n++) *(vec *)(d[n] + j) = s[n];
    }
  } else if (kind == SIN) {
    for (int j = 0; j < B; j++) {
      real s = sin(z[j]), c = cos(z[j]);
      for (int n = 0; n <= top; n++) d[n][j] = (n & 1) ? ((n & 2) ? -c : c) : ((n & 2) ? -s : s);
    }
  } else if (kind == GELU) { /* z Phi(z), Phi' = phi, phi^(n+1) = -z phi^(n) - n phi^(n-1) */
    for (int j = 0; j < B; j++) {
      double x = z[j], P[ORDERS + 1];
      P[0] = 0.5 * (1.0 + erf(x * 0.70710678118654752440));
      P[1] = 0.39894228040143267794 * exp(-0.5 * x * x);
      P[2] = -x * P[1];
      for (int n = 2; n < ORDERS; n++) P[n + 1] = -x * P[n] - (n - 1) * P[n - 1];
      d[0][j] = (real)(x * P[0]);
      for (int n = 1; n <= top; n++) d[n][j] = (real)(x * P[n] + n * P[n - 1]);
    }
  } else if (kind == SILU || kind == SOFTPLUS) { /* sigmoid: s' = s - s^2 */
    for (int j = 0; j < B; j += LANES) {
      vec x = *(const vec *)(z + j), s[ORDERS];
      s[0] = sigmoid_vec(x);
      for (int n = 0; n < top; n++) {
        vec sum = s[n];
        for (int k = 0; k <= n; k++) sum -= binom[n][k] * s[k] * s[n - k];
        s[n + 1] = sum;
      }
      if (kind == SILU) {
        *(vec *)(d[0] + j) = x * s[0];
        for (int n = 1; n <= top; n++) *(vec *)(d[n] + j) = x * s[n] + (real)n * s[n - 1];
      } else {
        for (int i = 0; i < LANES; i++) {
          real y = z[j + i];
          d[0][j + i] = (real)((y > 0 ? y : 0) + log1p(exp(-fabs((double)y))));
        }
        for (int n = 1; n <= top; n++) *(vec *)(d[n] + j) = s[n - 1];
      }
    }
  } else {
    for (int j = 0; j < B; j++) {
      d[0][j] = z[j];
      for (int n = 1; n <= top; n++) d[n][j] = n == 1;
    }
  }
}

/* A = s(Z) on all channels of one block. */
static void activate(int kind, int C, int order, int width, const int *terms, int n_terms, const real *Z,
                     const real *value, real *A) {
  real d[ORDERS][B];
  long s = (long)width * B;
  for (int w = 0; w < width; w++) {
    const real *z = Z + (long)w * B;
    real *a = A + (long)w * B;
    activation(kind, order, z, value ? value + (long)w * B : 0, d);
    memcpy(a, d[0], sizeof d[0]);
    for (int t = 0; t < n_terms; t++) {
      const int *m = terms + t * TERM;
      vec *target = (vec *)(a + m[0] * s);
      const vec *dk = (const vec *)d[m[2]], *f[4];
      const real coef = (real)m[1];
      for (int i = 0; i < 4; i++) f[i] = (const vec *)(z + m[3 + i] * s);
      vec x[NV];
      for (int v = 0; v < NV; v++) x[v] = coef * dk[v] * f[0][v];
      for (int i = 1; i < m[2]; i++)
        for (int v = 0; v < NV; v++) x[v] *= f[i][v];
      if (t == 0 || m[0] != m[-TERM]) /* the channel's first term: nothing there to add to */
        for (int v = 0; v < NV; v++) target[v] = x[v];
      else
        for (int v = 0; v < NV; v++) target[v] += x[v];
    }
  }
}

/* Zbar from Abar through the activation; A is recomputed on the way, for the weight gradient of the layer above. */
static void activate_reverse(int kind, int C, int order, int width, const int *terms, int n_terms, const real *Z,
                             const real *value, const real *Abar, real *Zbar) {
  real d[ORDERS][B];
  long s = (long)width * B;
  for (int w = 0; w < width; w++) {
    const real *z = Z + (long)w * B, *ab = Abar + (long)w * B;
    real *zb = Zbar + (long)w * B;
    activation(kind, order + 1, z, value ? value + (long)w * B : 0, d);
    vec value_bar[NV];
    for (int v = 0; v < NV; v++) value_bar[v] = ((const vec *)d[1])[v] * ((const vec *)ab)[v];
    for (int c = 1; c < C; c++) memset(zb + c * s, 0, B * sizeof(real));
    for (int t = 0; t < n_terms; t++) {
      const int *m = terms + t * TERM;
      const int k = m[2];
      const vec *source = (const vec *)(ab + m[0] * s), *dk = (const vec *)d[k], *dn = (const vec *)d[k + 1], *f[4];
      const real coef = (real)m[1];
      vec *g[4];
      for (int i = 0; i < 4; i++) f[i] = (const vec *)(z + m[3 + i] * s), g[i] = (vec *)(zb + m[3 + i] * s);
      if (k == 1) {
        for (int v = 0; v < NV; v++) {
          vec y = coef * source[v];
          g[0][v] += y * dk[v];
          value_bar[v] += y * dn[v] * f[0][v];
        }
      } else if (k == 2) {
        for (int v = 0; v < NV; v++) {
          vec y = coef * source[v], yd = y * dk[v], x0 = f[0][v], x1 = f[1][v];
          g[0][v] += yd * x1;
          g[1][v] += yd * x0;
          value_bar[v] += y * dn[v] * x0 * x1;
        }
      } else {
        for (int v = 0; v < NV; v++) {
          vec y = coef * source[v], yd = y * dk[v], one = (vec){0} + (real)1;
          vec x0 = f[0][v], x1 = f[1][v], x2 = f[2][v], x3 = k > 3 ? f[3][v] : one;
          g[0][v] += yd * x1 * x2 * x3;
          g[1][v] += yd * x0 * x2 * x3;
          g[2][v] += yd * x0 * x1 * x3;
          if (k > 3) g[3][v] += yd * x0 * x1 * x2;
          value_bar[v] += y * dn[v] * x0 * x1 * x2 * x3;
        }
      }
    }
    for (int v = 0; v < NV; v++) ((vec *)zb)[v] = value_bar[v];
  }
}
