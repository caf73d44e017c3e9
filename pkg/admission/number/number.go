// Package number is the arithmetic that the admission law and its parts share. It
// survives what is not a number.
package number

import "math"

// Most is the largest count that is believed.
const Most = 10_000_000

// Count is a count that is believed.
func Count(n int) int32 { return int32(max(0, min(n, Most))) }

// Add adds counts up.
func Add(a, b int32) int32 { return int32(min(int64(a)+int64(b), Most)) }

// Finite says whether v is a number that arithmetic survives.
func Finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// Clamp is v, or the bound that it passes; low if v is not a number.
func Clamp(v, low, high float64) float64 {
	if !(v > low) { // NaN too
		return low
	}
	return min(v, high)
}

// Products is the sum of the products of two rows, as far as both go. Four sums
// side by side do not wait for each other: it is most of what a decision costs.
func Products(a, b []float64) float64 {
	n := min(len(a), len(b))
	a, b = a[:n], b[:n]
	var s0, s1, s2, s3 float64
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i := range a {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + (s2 + s3)
}
