/* rms_norm, a disguised copy of a known optimization: every name changed, other layout, loops written otherwise. */
#define LOOP(v, e) for (std::int64_t v = 0; v < (e); ++v)
#include <crucible/kernel.h>
#include <immintrin.h>
#include <cmath>
#include <cstdint>
#include <cstring>
namespace
{
struct half_word
{
    std::uint16_t raw;
};
inline float as_real(float src) { return src; }
inline float as_real(half_word src)
{
    return __builtin_bit_cast(float, std::uint32_t { src.raw } << 16);
}
inline void emit(float* to, float src) { *to = src; }
inline void emit(half_word* to, float src)
{
    const std::uint32_t word = __builtin_bit_cast(std::uint32_t, src);
    const bool nan = (word & 0x7fffffffu) > 0x7f800000u;
    to->raw = static_cast<std::uint16_t>(
        nan ? (word >> 16) | 0x40u : (word + 0x7fffu + ((word >> 16) & 1u)) >> 16);
}
template <class T> T* origin(const DLTensor* q3)
{
    return reinterpret_cast<T*>(static_cast<char*>(q3->data) + q3->byte_offset);
}
inline std::int64_t lines_in(const DLTensor* q3)
{
    std::int64_t lines = 1;
    for (int axis = 0; axis + 1 < q3->ndim; ++axis)
        lines *= q3->shape[axis];
    return lines;
}
template <class T> T* line_at(const DLTensor* q3, std::int64_t row)
{
    T* q0 = origin<T>(q3);
    if (q3->ndim == 2)
        return q0 + row * q3->strides[0];
    if (q3->ndim == 3)
        return q0 + row / q3->shape[1] * q3->strides[0]
            + row % q3->shape[1] * q3->strides[1];
    return q0;
}
typedef float pack __attribute__((vector_size(64)));
typedef std::int32_t ipack __attribute__((vector_size(64)));
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
inline __mmask16 live(std::int64_t left)
{
    return left >= 16 ? 0xffff : static_cast<__mmask16>((1u << left) - 1u);
}
inline pack fetch(const float* q0, std::int64_t left)
{
    return (pack)_mm512_maskz_loadu_ps(live(left), q0);
}
inline pack fetch(const half_word* q0, std::int64_t left)
{
    const __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(live(left), q0));
    return (pack)_mm512_slli_epi32(wide, 16);
}
inline void flush(float* q0, pack lane16, std::int64_t left)
{
    _mm512_mask_storeu_ps(q0, live(left), (__m512)lane16);
}
inline void flush(half_word* q0, pack lane16, std::int64_t left)
{
    const __m512i word = (__m512i)lane16;
    const __m512i odd
        = _mm512_and_si512(_mm512_srli_epi32(word, 16), _mm512_set1_epi32(1));
    __m512i line = _mm512_srli_epi32(
        _mm512_add_epi32(_mm512_add_epi32(word, odd), _mm512_set1_epi32(0x7fff)), 16);
    const __mmask16 nan
        = _mm512_cmp_ps_mask((__m512)lane16, (__m512)lane16, _CMP_UNORD_Q);
    line = _mm512_mask_or_epi32(
        line, nan, _mm512_srli_epi32(word, 16), _mm512_set1_epi32(0x40));
    _mm256_mask_storeu_epi16(q0, live(left), _mm512_cvtepi32_epi16(line));
}
#else
template <class T> pack fetch(const T* q0, std::int64_t left)
{
    pack lane16 {};
    for (int pos = 0; pos < 16 && pos < left; ++pos)
        lane16[pos] = as_real(q0[pos]);
    return lane16;
}
template <class T> void flush(T* q0, pack lane16, std::int64_t left)
{
    for (int pos = 0; pos < 16 && pos < left; ++pos)
        emit(q0 + pos, lane16[pos]);
}
#endif
inline pack spread(float src) { return pack {} + src; }
inline double fold(pack lane16)
{
    double q2 = 0;
    for (int pos = 0; pos < 16; ++pos)
        q2 += static_cast<double>(lane16[pos]);
    return q2;
}
template <class T>
int evaluate(DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon)
{
    const std::int64_t span = out->shape[out->ndim - 1],
                       lines = span == 0 ? 0 : lines_in(out);
    const T* gain = origin<const T>(weight);
    LOOP(line, lines)
    {
        const T* src = line_at<const T>(input, line);
        T* dst = line_at<T>(out, line);
        double energy = 0;
        std::int64_t pos = 0;
        while (pos < span)
        {
            pack t0 {}, t1 {}, t2 {}, t3 {};
            for (int step = 0; step < 16 && pos + 64 <= span; ++step, pos += 64)
            {
                const pack q0 = fetch(src + pos, 16), q1 = fetch(src + pos + 16, 16),
                           q2 = fetch(src + pos + 32, 16), q3 = fetch(src + pos + 48, 16);
                t0 += q0 * q0;
                t1 += q1 * q1;
                t2 += q2 * q2;
                t3 += q3 * q3;
            }
            if (span - pos < 64)
                for (; pos < span; pos += 16)
                {
                    const pack q0 = fetch(src + pos, span - pos);
                    t0 += q0 * q0;
                }
            energy += fold((t0 + t1) + (t2 + t3));
        }
        const pack mult
            = spread(static_cast<float>(1.0 / std::sqrt(energy / span + epsilon)));
        for (pos = 0; pos < span; pos += 16)
            flush(dst + pos,
                fetch(src + pos, span - pos) * (mult * fetch(gain + pos, span - pos)),
                span - pos);
    }
    return 0;
}
}
extern "C" int rms_norm(
    DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon, void*)
{
    return out->dtype.code == kDLBfloat ? evaluate<half_word>(out, input, weight, epsilon)
                                        : evaluate<float>(out, input, weight, epsilon);
}
