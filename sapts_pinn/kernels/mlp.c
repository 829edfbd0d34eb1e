/* A multilayer perceptron, z_l = W_l a_{l-1} + b_l, a_l = s_l(z_l), out = z_L or a_L, and its reverse.
 *
 * Tape of a block: for each layer with an activation the jet of z and the activation's value.
 */

/* Number of layers with an activation: all, or all but the last. */
static int activated_layers(const Shape *h) { return h->L - (h->act[h->L - 1] == NONE); }

static long mlp_tape_block(const Shape *h) {
  long n = 0;
  for (int l = 1; l <= activated_layers(h); l++) n += (long)(h->C + 1) * h->width[l] * B;
  return n;
}

static long mlp_size(const Shape *h) {
  long total = 0;
  for (int l = 1; l <= h->L; l++) total += (long)h->width[l] * (h->width[l - 1] + 1);
  return total;
}

long mlp_tape(const int *shape) {
  Shape h = read_shape(shape);
  return mlp_tape_block(&h);
}

long mlp_work(const int *shape) {
  Shape h = read_shape(shape);
  return 3 * widest_jet(&h);
}

/* Blocks first .. last-1: out[channel][unit][points] of the last layer, or its products with a direction, out[points];
 * tape may be NULL (value only). */
void mlp_forward(const int *shape, const int *tables, const real *params, const real *input, long first, long last,
                 long points, real *tape, const real *direction, real *out, real *work) {
  Shape h = read_shape(shape);
  real *A = work, *scratch = work + widest_jet(&h);
  long stride = mlp_tape_block(&h);
  int activated = activated_layers(&h);
  for (long b = first; b < last; b++) {
    const real *a = input + b * h.C * h.width[0] * B, *W = params;
    real *t = tape ? tape + b * stride : 0;
    for (int l = 1; l <= h.L; l++) {
      int in = h.width[l - 1], width = h.width[l];
      real *Z = (l <= activated && t) ? t : scratch;
      affine_jet(h.C, W, width, in, a, Z);
      W += (long)width * in + width;
      a = Z;
      if (l <= activated) {
        activate(h.act[l - 1], h.C, h.order, width, tables, h.n_terms, Z, 0, A);
        if (t) {
          memcpy(t + (long)h.C * width * B, A, sizeof(real) * width * B);
          t += (long)(h.C + 1) * width * B;
        }
        a = A;
      }
    }
    put(h.C * h.width[h.L], points, b, a, direction, out);
  }
}

/* Zbar of the last layer in block b, from what `mlp_forward` has put out; returns the tape's end before that layer. */
static const real *mlp_last_reverse(const Shape *h, const int *tables, const real *tape, const real *direction,
                                    const real *obar, long points, long b, real *Zbar, real *Abar) {
  const real *t = tape + (b + 1) * mlp_tape_block(h);
  int width = h->width[h->L], ends = activated_layers(h) == h->L;
  take(h->C * width, points, b, obar, direction, ends ? Abar : Zbar);
  if (!ends) return t;
  t -= (long)(h->C + 1) * width * B;
  activate_reverse(h->act[h->L - 1], h->C, h->order, width, tables, h->n_terms, t, t + (long)h->C * width * B, Abar,
                   Zbar);
  return t;
}

/* Cotangents obar of what `mlp_forward` has put out to gradients.  jacobian == NULL: grad[parameter][LANES] is set.
 * Otherwise row rows[parameter] of jacobian (leading dimension ld) gets each point's own gradient; a parameter
 * whose row is negative has none.  Layers below the lowest one that has a row are not visited. */
void mlp_reverse(const int *shape, const int *tables, const real *params, const real *input, const real *tape,
                 const real *direction, const real *obar, long first, long last, long points, real *grad,
                 real *jacobian, long ld, const long *rows, real *work) {
  Shape h = read_shape(shape);
  long jet = widest_jet(&h), total = mlp_size(&h);
  real *Zbar = work, *Abar = work + jet, *A = work + 2 * jet;
  int lowest = jacobian ? lowest_layer(&h, rows) : 1;
  if (grad) memset(grad, 0, sizeof(real) * total * LANES);
  for (long b = first; b < last; b++) {
    const real *t = mlp_last_reverse(&h, tables, tape, direction, obar, points, b, Zbar, Abar);
    long at = total;
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

/* The jets a_l after the layers l < L where jets[l] is not NULL, their cotangents from those of out, both laid out as
 * inputs are, and the products of the two by points.  Layers below the lowest of them are not visited. */
void mlp_cut(const int *shape, const int *tables, const real *params, const real *tape, const real *obar, long first,
             long last, long points, real **jets, real **cotangents, real **products, real *work) {
  Shape h = read_shape(shape);
  long jet = widest_jet(&h);
  real *Zbar = work, *Abar = work + jet;
  int lowest = 1;
  while (lowest < h.L && !jets[lowest]) lowest++;
  for (long b = first; b < last; b++) {
    const real *t = mlp_last_reverse(&h, tables, tape, 0, obar, points, b, Zbar, Abar);
    long at = mlp_size(&h);
    for (int l = h.L - 1; l >= lowest; l--) {
      int width = h.width[l], above = h.width[l + 1];
      long size = (long)h.C * width * B;
      at -= (long)above * (width + 1);
      t -= size + (long)width * B;
      affine_jet_reverse(h.C, params + at, above, width, Zbar, Abar);
      if (jets[l]) {
        real *a = jets[l] + b * size;
        activate(h.act[l - 1], h.C, h.order, width, tables, h.n_terms, t, t + size, a);
        memcpy(cotangents[l] + b * size, Abar, sizeof(real) * size);
        inner(h.C * width, Abar, a, products[l] + b * B);
      }
      if (l > lowest)
        activate_reverse(h.act[l - 1], h.C, h.order, width, tables, h.n_terms, t, t + size, Abar, Zbar);
    }
  }
}
