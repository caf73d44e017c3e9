package number_test

import (
	"math"
	"testing"

	"raincheck/pkg/admission/number"
)

func TestWhatIsNoNumber(t *testing.T) {
	t.Parallel()
	if got := number.Clamp(math.NaN(), 0.1, 1); got != 0.1 {
		t.Errorf("NaN is taken for %g, want the lower bound", got)
	}
	if number.Finite(math.Inf(-1)) || number.Finite(math.NaN()) || !number.Finite(0) {
		t.Error("infinity or NaN is finite, or 0 is not")
	}
	if a, b := number.Count(-5), number.Count(math.MaxInt); a != 0 || b != number.Most || number.Add(b, b) != number.Most {
		t.Errorf("counts of -5 and of all integers are %d and %d", a, b)
	}
}

// TestProducts: rows of every length, also those that four at a time do not divide.
func TestProducts(t *testing.T) {
	t.Parallel()
	a, b := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}, []float64{1, 1, 1, 1, 1, 1, 1}
	for n := range a {
		want := 0.0
		for i := range min(n, len(b)) {
			want += a[i]
		}
		if got := number.Products(a[:n], b); got != want {
			t.Errorf("%d of them: %g, want %g", n, got, want)
		}
	}
}
