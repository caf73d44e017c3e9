package env

import (
	"errors"
	"strings"
	"testing"
	"time"
)

type settings struct {
	Table string        `env:"TABLE,required"`
	Life  time.Duration `env:"LIFE" envDefault:"4h"`
	Share float64       `env:"SHARE" envDefault:"0.5"`
}

func (s *settings) Validate() error {
	if s.Share > 1 {
		return errors.New("SHARE: it is more than all")
	}
	return nil
}

func TestReadNamesEveryProblemAndRepeatsNoValue(t *testing.T) {
	t.Parallel()
	var good settings
	if err := Read([]string{"TABLE=line"}, &good); err != nil || good.Table != "line" || good.Life != 4*time.Hour {
		t.Fatalf("%+v, %v", good, err)
	}
	err := Read([]string{"LIFE=a-secret-in-the-wrong-place", "SHARE=2"}, &settings{})
	if err == nil {
		t.Fatal("it starts")
	}
	for _, want := range []string{"TABLE: it is missing", "LIFE: ", "SHARE: it is more than all"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the value is repeated: %v", err)
	}
}
