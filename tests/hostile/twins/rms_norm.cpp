// twin: the honest kernel that the attacks on rms_norm start from.
#include "../parts/honest.h"

RMS_NORM { return HONEST_RMS_NORM; }
