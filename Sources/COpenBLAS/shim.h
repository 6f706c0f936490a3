// OpenBLAS: the portable float32 matrix product, and a second oracle for our own kernels.
#include <cblas.h>
