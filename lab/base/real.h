/* real: the number type of the optimizers' and the compressions' kernels. Training compiles these
 * files with float; the fixture replays compile the same files once more with double. */
#ifndef LAB_BASE_REAL_H
#define LAB_BASE_REAL_H

#ifdef BATCHLAB_REAL
typedef BATCHLAB_REAL real;
#else
typedef float real;
#endif

#define real_sqrt(x) _Generic((x), float : sqrtf, double : sqrt)(x) /* needs <math.h> */

#endif
