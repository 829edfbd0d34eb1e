/* Forward Taylor propagation of a multilayer perceptron, and its reverse.
 *
 * A bundle holds, for every unit and point, the C channels u, u_x, u_xx, ... of a downward-closed set of
 * multi-indices.  An affine layer maps each channel by the same matrix; an activation s maps them by Faa di Bruno,
 *     a_alpha = sum over terms (c, k, z_b1 .. z_bk) of  c * s^(k)(z) * z_b1 * ... * z_bk,
 * listed in `terms` (TERM ints each: alpha, c, k, b1 .. b4).  Points are processed in blocks of B, stored
 * [block][channel][unit][B], so that a block's bundle stays in the first cache and B is the vector direction.
 * One block is one unit of work: callers split the blocks over threads, each with its own gradient.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef SINGLE
typedef float real;
typedef int32_t bits;
#else
typedef double real;
typedef int64_t bits;
#endif

/* A vector is as long as a register; 4 x COLUMNS accumulators and their factors stay in registers. */
#ifdef __AVX512F__
#define BYTES 64
#define COLUMNS 4
#else
#define BYTES 32
#define COLUMNS 2
#endif
#define LANES ((int)(BYTES / sizeof(real)))
#define NV 4
#define B (NV * LANES)
#define TERM 7
#define ORDERS 6 /* derivatives 0 .. 5 of an activation: channels up to order 4 and one more for the reverse */

typedef real vec __attribute__((vector_size(BYTES), aligned(4), may_alias));
typedef bits ivec __attribute__((vector_size(BYTES), aligned(4), may_alias));

enum { IDENTITY, TANH, SIN, SILU, GELU, SOFTPLUS };

int block_size(void) { return B; }
int lanes(void) { return LANES; }

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

/* shape = {C, order, layers, n_terms, width_0 .. width_L, act_1 .. act_{L-1}}.  Tape of one block: for each hidden
 * layer the bundle Z and the activation's value. */
typedef struct {
  int C, order, L, n_terms;
  const int *width, *act;
} Shape;

static Shape read_shape(const int *s) {
  Shape h = {s[0], s[1], s[2], s[3], s + 4, s + 4 + s[2] + 1};
  return h;
}

static long tape_block(const Shape *h) {
  long n = 0;
  for (int l = 1; l < h->L; l++) n += (long)(h->C + 1) * h->width[l] * B;
  return n;
}

long tape_size(const int *shape) {
  Shape h = read_shape(shape);
  return tape_block(&h);
}

/* Blocks first .. last-1: out[channel][unit][points] of the last affine layer; tape may be NULL (value only).
 * work holds two bundles of the widest layer. */
void taylor_forward(const int *shape, const int *terms, const real *params, const real *input, long first, long last,
                    long points, real *tape, real *out, real *work) {
  Shape h = read_shape(shape);
  int widest = 0;
  for (int l = 0; l <= h.L; l++) widest = h.width[l] > widest ? h.width[l] : widest;
  real *A = work, *scratch = work + (long)h.C * widest * B;
  long stride = tape_block(&h);
  for (long b = first; b < last; b++) {
    const real *a = input + b * h.C * h.width[0] * B, *W = params;
    real *t = tape ? tape + b * stride : 0;
    for (int l = 1; l <= h.L; l++) {
      int in = h.width[l - 1], out_w = h.width[l];
      real *Z = (l < h.L && t) ? t : scratch;
      for (int c = 0; c < h.C; c++)
        affine(W, out_w, in, in, 1, c ? 0 : W + (long)out_w * in, a + (long)c * in * B, Z + (long)c * out_w * B);
      W += (long)out_w * in + out_w;
      if (l < h.L) {
        activate(h.act[l - 1], h.C, h.order, out_w, terms, h.n_terms, Z, 0, A);
        if (t) {
          memcpy(t + (long)h.C * out_w * B, A, sizeof(real) * out_w * B);
          t += (long)(h.C + 1) * out_w * B;
        }
        a = A;
      } else {
        for (int i = 0; i < h.C * out_w; i++) memcpy(out + i * points + b * B, Z + (long)i * B, sizeof(real) * B);
      }
    }
  }
}

/* Cotangents obar[channel][unit][points] to gradients.  jacobian == NULL: grad[parameter][LANES] is set.
 * Otherwise row rows[parameter] of jacobian (leading dimension ld) gets each point's own gradient; a parameter
 * whose row is negative has none.  Layers below the lowest one that has a row are not visited.
 * work holds three bundles of the widest layer. */
void taylor_reverse(const int *shape, const int *terms, const real *params, const real *input, const real *tape,
                    const real *obar, long first, long last, long points, real *grad, real *jacobian, long ld,
                    const long *rows, real *work) {
  Shape h = read_shape(shape);
  int widest = 0;
  for (int l = 0; l <= h.L; l++) widest = h.width[l] > widest ? h.width[l] : widest;
  long bundle = (long)h.C * widest * B, stride = tape_block(&h);
  real *Zbar = work, *Abar = work + bundle, *A = work + 2 * bundle;
  long total = 0;
  for (int l = 1; l <= h.L; l++) total += (long)h.width[l] * (h.width[l - 1] + 1);
  int lowest = 1;
  if (jacobian) {
    long parameter = 0;
    for (int l = 1, found = 0; l <= h.L && !found; l++) {
      long size = (long)h.width[l] * (h.width[l - 1] + 1);
      for (long i = 0; i < size; i++) found |= rows[parameter + i] >= 0;
      parameter += size;
      lowest = l;
    }
  }
  if (grad) memset(grad, 0, sizeof(real) * total * LANES);
  for (long b = first; b < last; b++) {
    const real *t = tape + (b + 1) * stride;
    long at = total;
    int top = h.width[h.L];
    for (int i = 0; i < h.C * top; i++) memcpy(Zbar + (long)i * B, obar + i * points + b * B, sizeof(real) * B);
    for (int l = h.L; l >= lowest; l--) {
      int in = h.width[l - 1], out = h.width[l];
      const real *a = input + b * h.C * in * B;
      at -= (long)out * (in + 1);
      if (l > 1) {
        t -= (long)(h.C + 1) * in * B;
        activate(h.act[l - 2], h.C, h.order, in, terms, h.n_terms, t, t + (long)h.C * in * B, A);
        a = A;
      }
      if (jacobian) {
        for (int o = 0; o < out; o++) {
          for (int k = 0; k < in; k++) {
            long r = rows[at + (long)o * in + k];
            if (r < 0) continue;
            real *row = jacobian + r * ld + b * B;
            for (int j = 0; j < B; j += LANES) {
              vec sum = {0};
              for (int c = 0; c < h.C; c++)
                sum += *(const vec *)(Zbar + ((long)c * out + o) * B + j) *
                       *(const vec *)(a + ((long)c * in + k) * B + j);
              *(vec *)(row + j) = sum;
            }
          }
          long r = rows[at + (long)out * in + o];
          if (r >= 0) memcpy(jacobian + r * ld + b * B, Zbar + (long)o * B, sizeof(real) * B);
        }
      } else {
        vec *g = (vec *)grad + at;
        outer(h.C, out, in, Zbar, a, g);
        for (int o = 0; o < out; o++)
          for (int j = 0; j < B; j += LANES) g[(long)out * in + o] += *(const vec *)(Zbar + (long)o * B + j);
      }
      if (l > lowest) {
        for (int c = 0; c < h.C; c++)
          affine(params + at, in, out, 1, in, 0, Zbar + (long)c * out * B, Abar + (long)c * in * B);
        activate_reverse(h.act[l - 2], h.C, h.order, in, terms, h.n_terms, t, t + (long)h.C * in * B, Abar, Zbar);
      }
    }
  }
}
