/* The modified MLP of Wang, Teng & Perdikaris (arXiv:2001.04536), and its reverse:
 *     U = s(W_u x + b_u),  V = s(W_v x + b_v),  h_l = V + s(W_l h_{l-1} + b_l) * (U - V),  out = W_L h_{L-1} + b_L
 * with h_0 = x and all hidden widths equal.  A product of jets obeys Leibniz' rule,
 *     (s d)_alpha = sum over products (c, i, j) of  c * s_i * d_j,
 * listed in `products` (PRODUCT ints each: alpha, c, i, j).
 *
 * Parameters: both gates (U, V), the hidden layers, the last layer.  Tape of a block: for U, V and each hidden layer
 * the jet of its affine part and the activation's value; then the jets of V and U - V.
 */
#define PRODUCT 4

/* H = V + S * D on all channels of one block. */
static void gate(int C, int width, const int *products, int n, const real *V, const real *S, const real *D, real *H) {
  long s = (long)width * B;
  memcpy(H, V, sizeof(real) * C * s);
  for (int t = 0; t < n; t++) {
    const int *m = products + t * PRODUCT;
    const real coef = (real)m[1], *a = S + m[2] * s, *d = D + m[3] * s;
    real *h = H + m[0] * s;
    for (long j = 0; j < s; j += LANES)
      *(vec *)(h + j) += coef * *(const vec *)(a + j) * *(const vec *)(d + j);
  }
}

/* Sbar from Hbar; adds to Dbar and Vbar. */
static void gate_reverse(int C, int width, const int *products, int n, const real *Hbar, const real *S, const real *D,
                         real *Sbar, real *Dbar, real *Vbar) {
  long s = (long)width * B;
  memset(Sbar, 0, sizeof(real) * C * s);
  for (long j = 0; j < C * s; j += LANES) *(vec *)(Vbar + j) += *(const vec *)(Hbar + j);
  for (int t = 0; t < n; t++) {
    const int *m = products + t * PRODUCT;
    const real coef = (real)m[1], *bar = Hbar + m[0] * s, *a = S + m[2] * s, *d = D + m[3] * s;
    real *abar = Sbar + m[2] * s, *dbar = Dbar + m[3] * s;
    for (long j = 0; j < s; j += LANES) {
      vec y = coef * *(const vec *)(bar + j);
      *(vec *)(abar + j) += y * *(const vec *)(d + j);
      *(vec *)(dbar + j) += y * *(const vec *)(a + j);
    }
  }
}

static long gated_tape_block(const Shape *h) {
  return ((long)(h->L + 1) * (h->C + 1) + 2 * h->C) * h->width[1] * B;
}

long gated_tape(const int *shape) {
  Shape h = read_shape(shape);
  return gated_tape_block(&h);
}

long gated_work(const int *shape) {
  Shape h = read_shape(shape);
  return 7 * widest_jet(&h);
}

/* A = s(Z) with Z = W x + b; Z and the value of s are kept at t, unless that is NULL (then Z is in scratch). */
static void activated(const Shape *h, const int *tables, int act, const real *W, int in, const real *x, real *t,
                      real *scratch, real *A) {
  int width = h->width[1];
  real *Z = t ? t : scratch;
  affine_jet(h->C, W, width, in, x, Z);
  activate(act, h->C, h->order, width, tables, h->n_terms, Z, 0, A);
  if (t) memcpy(t + (long)h->C * width * B, A, sizeof(real) * width * B);
}

/* As mlp_forward. */
void gated_forward(const int *shape, const int *tables, const real *params, const real *input, long first, long last,
                   long points, real *tape, const real *direction, real *out, real *work) {
  Shape h = read_shape(shape);
  const int *products = tables + h.n_terms * TERM;
  int w = h.width[1], inputs = h.width[0], outputs = h.width[h.L];
  long jet = widest_jet(&h), layer = (long)(h.C + 1) * w * B, size = (long)h.C * w * B;
  long stride = gated_tape_block(&h), gate_size = (long)w * (inputs + 1);
  real *H = work, *scratch = work + jet, *S = work + 2 * jet;
  for (long b = first; b < last; b++) {
    const real *x = input + b * h.C * inputs * B, *W = params + 2 * gate_size, *a = x;
    real *t = tape ? tape + b * stride : 0;
    real *V = t ? t + (h.L + 1) * layer : work + 3 * jet, *D = t ? V + size : work + 4 * jet;
    activated(&h, tables, h.act[0], params, inputs, x, t, scratch, D);
    activated(&h, tables, h.act[0], params + gate_size, inputs, x, t ? t + layer : 0, scratch, V);
    for (long j = 0; j < size; j += LANES) *(vec *)(D + j) -= *(const vec *)(V + j);
    for (int l = 1; l < h.L; l++) {
      int in = h.width[l - 1];
      activated(&h, tables, h.act[l - 1], W, in, a, t ? t + (l + 1) * layer : 0, scratch, S);
      gate(h.C, w, products, h.n_products, V, S, D, H);
      W += (long)w * (in + 1);
      a = H;
    }
    affine_jet(h.C, W, outputs, w, a, scratch);
    put(h.C * outputs, points, b, scratch, direction, out);
  }
}

/* As mlp_reverse. */
void gated_reverse(const int *shape, const int *tables, const real *params, const real *input, const real *tape,
                   const real *direction, const real *obar, long first, long last, long points, real *grad,
                   real *jacobian, long ld, const long *rows, real *work) {
  Shape h = read_shape(shape);
  const int *products = tables + h.n_terms * TERM;
  int w = h.width[1], inputs = h.width[0];
  long jet = widest_jet(&h), layer = (long)(h.C + 1) * w * B, size = (long)h.C * w * B;
  long stride = gated_tape_block(&h), gate_size = (long)w * (inputs + 1), total = 2 * gate_size;
  real *Zbar = work, *Hbar = work + jet, *H = work + 2 * jet, *S = work + 3 * jet;
  real *Sbar = work + 4 * jet, *Dbar = work + 5 * jet, *Vbar = work + 6 * jet;
  int gates = !jacobian || has_rows(rows, total), lowest = gates ? 1 : lowest_layer(&h, rows + total);
  for (int l = 1; l <= h.L; l++) total += (long)h.width[l] * (h.width[l - 1] + 1);
  if (grad) memset(grad, 0, sizeof(real) * total * LANES);
  for (long b = first; b < last; b++) {
    const real *x = input + b * h.C * inputs * B, *t = tape + b * stride;
    const real *V = t + (h.L + 1) * layer, *D = V + size;
    long at = total;
    memset(Dbar, 0, sizeof(real) * size);
    memset(Vbar, 0, sizeof(real) * size);
    take(h.C * h.width[h.L], points, b, obar, direction, Zbar);
    for (int l = h.L; l >= lowest; l--) {
      int in = h.width[l - 1], out = h.width[l];
      const real *z = t + l * layer; /* of hidden layer l - 1 */
      at -= (long)out * (in + 1);
      if (l == 1) {
        weight_gradient(h.C, out, in, at, Zbar, x, grad, jacobian, ld, rows, b);
        continue;
      }
      activate(h.act[l - 2], h.C, h.order, w, tables, h.n_terms, z, z + size, S);
      gate(h.C, w, products, h.n_products, V, S, D, H);
      weight_gradient(h.C, out, in, at, Zbar, H, grad, jacobian, ld, rows, b);
      if (l == lowest) continue;
      affine_jet_reverse(h.C, params + at, out, in, Zbar, Hbar);
      gate_reverse(h.C, w, products, h.n_products, Hbar, S, D, Sbar, Dbar, Vbar);
      activate_reverse(h.act[l - 2], h.C, h.order, w, tables, h.n_terms, z, z + size, Sbar, Zbar);
    }
    if (!gates) continue;
    for (long j = 0; j < size; j += LANES) *(vec *)(Vbar + j) -= *(const vec *)(Dbar + j);
    activate_reverse(h.act[0], h.C, h.order, w, tables, h.n_terms, t, t + size, Dbar, Zbar);
    weight_gradient(h.C, w, inputs, 0, Zbar, x, grad, jacobian, ld, rows, b);
    activate_reverse(h.act[0], h.C, h.order, w, tables, h.n_terms, t + layer, t + layer + size, Vbar, Zbar);
    weight_gradient(h.C, w, inputs, gate_size, Zbar, x, grad, jacobian, ld, rows, b);
  }
}
