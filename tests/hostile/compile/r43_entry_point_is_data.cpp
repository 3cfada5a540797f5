// attack: defines the entry point as an array of bytes
// row: 43
// task: rms_norm
// allow: crashed, load_error, compile_error
// finding: -
// twin: twins/rms_norm.cpp
// must: a crash like any other
extern "C" {
extern const unsigned char rms_norm[];
const unsigned char rms_norm[64] = {0xc3};
}
