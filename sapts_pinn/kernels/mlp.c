/* A multilayer perceptron, z_l = W_l a_{l-1} + b_l, a_l = s_l(z_l), out = z_L, and its reverse.
 *
 * Tape of a block: for each hidden layer the jet of z and the activation's value.
 */

static long mlp_tape_block(const Shape *h) {
  long n = 0;
  for (int l = 1; l < h->L; l++) n += (long)(h->C + 1) * h->width[l] * B;
  return n;
}

long mlp_tape(const int *shape) {
  Shape h = read_shape(shape);
  return mlp_tape_block(&h);
}

long mlp_work(const int *shape) {
  Shape h = read_shape(shape);
  return 3 * widest_jet(&h);
}

/* Blocks first .. last-1: out[channel][unit][points] of the last affine layer; tape may be NULL (value only). */
void mlp_forward(const int *shape, const int *tables, const real *params, const real *input, long first, long last,
                 long points, real *tape, real *out, real *work) {
  Shape h = read_shape(shape);
  real *A = work, *scratch = work + widest_jet(&h);
  long stride = mlp_tape_block(&h);
  for (long b = first; b < last; b++) {
    const real *a = input + b * h.C * h.width[0] * B, *W = params;
    real *t = tape ? tape + b * stride : 0;
    for (int l = 1; l <= h.L; l++) {
      int in = h.width[l - 1], width = h.width[l];
      real *Z = (l < h.L && t) ? t : scratch;
      affine_jet(h.C, W, width, in, a, Z);
      W += (long)width * in + width;
      if (l < h.L) {
        activate(h.act[l - 1], h.C, h.order, width, tables, h.n_terms, Z, 0, A);
        if (t) {
          memcpy(t + (long)h.C * width * B, A, sizeof(real) * width * B);
          t += (long)(h.C + 1) * width * B;
        }
        a = A;
      } else {
        put(h.C * width, points, b, Z, out);
      }
    }
  }
}

/* Cotangents obar[channel][unit][points] to gradients.  jacobian == NULL: grad[parameter][LANES] is set.
 * Otherwise row rows[parameter] of jacobian (leading dimension ld) gets each point's own gradient; a parameter
 * whose row is negative has none.  Layers below the lowest one that has a row are not visited. */
void mlp_reverse(const int *shape, const int *tables, const real *params, const real *input, const real *tape,
                 const real *obar, long first, long last, long points, real *grad, real *jacobian, long ld,
                 const long *rows, real *work) {
  Shape h = read_shape(shape);
  long jet = widest_jet(&h), stride = mlp_tape_block(&h);
  real *Zbar = work, *Abar = work + jet, *A = work + 2 * jet;
  int lowest = jacobian ? lowest_layer(&h, rows) : 1;
  long total = 0;
  for (int l = 1; l <= h.L; l++) total += (long)h.width[l] * (h.width[l - 1] + 1);
  if (grad) memset(grad, 0, sizeof(real) * total * LANES);
  for (long b = first; b < last; b++) {
    const real *t = tape + (b + 1) * stride;
    long at = total;
    take(h.C * h.width[h.L], points, b, obar, Zbar);
    for (int l = h.L; l >= lowest; l--) {
      int in = h.width[l - 1], out = h.width[l];
      const real *a = input + b * h.C * in * B;
      at -= (long)out * (in + 1);
      if (l > 1) {
        t -= (long)(h.C + 1) * in * B;
        activate(h.act[l - 2], h.C, h.order, in, tables, h.n_terms, t, t + (long)h.C * in * B, A);
        a = A;
      }
      weight_gradient(h.C, out, in, at, Zbar, a, grad, jacobian, ld, rows, b);
      if (l > lowest) {
        affine_jet_reverse(h.C, params + at, out, in, Zbar, Abar);
        activate_reverse(h.act[l - 2], h.C, h.order, in, tables, h.n_terms, t, t + (long)h.C * in * B, Abar, Zbar);
      }
    }
  }
}
