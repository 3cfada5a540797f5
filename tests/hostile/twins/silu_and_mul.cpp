// twin: the honest kernel that the attacks on silu_and_mul start from.
#include "../parts/honest.h"

SILU_AND_MUL { return HONEST_SILU_AND_MUL; }
