/* Vectors of the processor, and the storage of a Taylor jet.
 *
 * A jet holds, for every unit and point, the C channels u, u_x, u_xx, ... of a downward-closed set of multi-indices.
 * Points are processed in blocks of B, stored [block][channel][unit][B], so that a block's jet stays in the first
 * cache and B is the vector direction.  One block is one unit of work: callers split the blocks over threads, each
 * with its own gradient.
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
#define NONE (-1) /* no activation after the last affine layer */

int block_size(void) { return B; }
int lanes(void) { return LANES; }
