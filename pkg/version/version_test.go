package version

import (
	"runtime/debug"
	"testing"
)

func TestVersionIsTheReleaseOrTheCommit(t *testing.T) {
	t.Parallel()
	vcs := func(commit, modified string) []debug.BuildSetting {
		return []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: commit}, {Key: "vcs.modified", Value: modified}}
	}
	const commit = "426be15d2c1a9f00000000000000000000000000"
	for _, c := range []struct {
		main     string
		settings []debug.BuildSetting
		want     string
	}{
		{"v1.2.0", vcs(commit, "false"), "v1.2.0"},
		{"v1.2.0+dirty", vcs(commit, "true"), "v1.2.0+dirty"},
		{"v1.3.0-rc.1", vcs(commit, "false"), "v1.3.0-rc.1"},
		{"v0.0.0-20261129155723-426be15d2c1a", vcs(commit, "false"), "426be15d2c1a"},
		{"v1.2.1-0.20261129155723-426be15d2c1a+dirty", vcs(commit, "true"), "426be15d2c1a+dirty"},
		{"(devel)", vcs(commit, "true"), "426be15d2c1a+dirty"},
		{"(devel)", nil, Unknown},
		{"", nil, Unknown},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Version: c.main}, Settings: c.settings}
		if got := of(info); got != c.want {
			t.Errorf("%q: %q, want %q", c.main, got, c.want)
		}
	}
}
