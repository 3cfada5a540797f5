// twin: the honest kernel that the attacks on softmax start from.
#include "../parts/honest.h"

SOFTMAX { return HONEST_SOFTMAX; }
