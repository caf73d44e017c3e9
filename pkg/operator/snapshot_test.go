package operator

import (
	"strings"
	"testing"
)

// TestTheDocumentsAreShownWithoutSecrets: who has the keys of the gate makes
// passes.
func TestTheDocumentsAreShownWithoutSecrets(t *testing.T) {
	t.Parallel()
	shown := string(show([]byte(`{"mode":"hold","salt":"s3cret","keys":[[1,"k3y",0],[2,"k3y2",9]]}`)))
	if strings.Contains(shown, "3") || !strings.Contains(shown, `"keys":"(2 hidden)"`) || !strings.Contains(shown, "hold") {
		t.Errorf("shown is %s", shown)
	}
	if got := show([]byte(`"k3y"`)); got != nil {
		t.Errorf("what is not a document is shown as %s", got)
	}
}
