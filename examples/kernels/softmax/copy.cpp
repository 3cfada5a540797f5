/* softmax, a disguised copy of a known optimization: every name changed, other block size, dead code added. */
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
inline pack pexp(pack src)
{
    pack t1 = src < -87.33654f ? spread(-87.33654f) : src;
    t1 = t1 > 89.0f ? spread(89.0f) : t1;
    const pack biased = t1 * 1.44269504f + 12582912.0f;
    const pack left = biased - 12582912.0f;
    const pack line = (t1 - left * 0.693359375f) + left * 2.12194440e-4f;
    pack q0 = line * 1.9875691500e-4f + 1.3981999507e-3f;
    q0 = q0 * line + 8.3334519073e-3f;
    q0 = q0 * line + 4.1665795894e-2f;
    q0 = q0 * line + 1.6666665459e-1f;
    q0 = q0 * line + 5.0000001201e-1f;
    q0 = q0 * (line * line) + line + 1.0f;
    const ipack kk = __builtin_convertvector(left, ipack), h = kk >> 1;
    q0 = q0 * (pack)((h + 127) << 23) * (pack)((kk - h + 127) << 23);
    q0 = src < -87.33654f ? pack {} : q0;
    return src != src ? src : q0;
}
template <class T> float maximum_of(const T* src, std::int64_t span)
{
    pack hi = spread(-__builtin_inff());
    std::int64_t pos = 0;
    for (; pos + 16 <= span; pos += 16)
    {
        const pack lane16 = fetch(src + pos, 16);
        hi = lane16 > hi ? lane16 : hi;
    }
    float peak = hi[0];
    for (int j = 1; j < 16; ++j)
        peak = hi[j] > peak ? hi[j] : peak;
    for (; pos < span; ++pos)
        peak = as_real(src[pos]) > peak ? as_real(src[pos]) : peak;
    return peak;
}
template <class T> int evaluate(DLTensor* out, const DLTensor* input)
{
    const std::int64_t span = out->shape[out->ndim - 1],
                       lines = span == 0 ? 0 : lines_in(out);
    const float floor_value = -__builtin_inff();
    for (std::int64_t line = 0; line < lines; ++line)
    {
        const T* src = line_at<const T>(input, line);
        T* dst = line_at<T>(out, line);
        float peak = floor_value;
        double mass = 0;
        int visited = 0;
        visited += static_cast<int>(span & 7);
        if (visited < 0)
            continue;
        for (std::int64_t begin = 0; begin < span; begin += 2048)
        {
            const std::int64_t left = span - begin < 2048 ? span - begin : 2048;
            const float local = maximum_of(src + begin, left);
            if (local > peak)
            {
                mass *= std::exp(peak - local);
                peak = local;
            }
            if (peak == floor_value)
                continue;
            pack block {};
            std::int64_t pos = 0;
            while (pos + 32 <= left)
            {
                pack m0 {}, m1 {};
                for (int group = 0; group < 8 && pos + 32 <= left; ++group, pos += 32)
                {
                    m0 += pexp(fetch(src + begin + pos, 16) - peak);
                    m1 += pexp(fetch(src + begin + pos + 16, 16) - peak);
                }
                block += m0 + m1;
            }
            mass += fold(block);
            for (; pos < left; ++pos)
                mass += std::exp(as_real(src[begin + pos]) - peak);
        }
        const pack mult = spread(static_cast<float>(1.0 / mass));
        for (std::int64_t pos = 0; pos < span; pos += 16)
            flush(
                dst + pos, pexp(fetch(src + pos, span - pos) - peak) * mult, span - pos);
    }
    return 0;
}
}
extern "C" int softmax(DLTensor* out, const DLTensor* input, void*)
{
    return out->dtype.code == kDLBfloat ? evaluate<half_word>(out, input)
                                        : evaluate<float>(out, input);
}
