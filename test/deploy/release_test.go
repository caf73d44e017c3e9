//go:build deploy

package deploy

import (
	"os"
	"path/filepath"
	"runtime"

	"raincheck/test/template"
)

// releaseName is what the archives of a test are called.
const releaseName = "v0.0.0-dev"

// release writes this version's archives, as .ci/release does for everybody, and
// unpacks those for this machine into an empty folder: what an operator has. It
// returns the folder of the stack and the tool.
func (c *cloud) release() (folder, tool string) {
	c.Helper()
	dist := filepath.Join(c.scratch, "dist")
	c.run(c.root, 0, c.environ("DIST="+dist), ".ci/release", releaseName, "linux/"+runtime.GOARCH)
	c.run(dist, 0, c.environ(), "sha256sum", "--check", "--strict", "SHA256SUMS")
	unpacked := c.T.TempDir()
	archives, err := filepath.Glob(filepath.Join(dist, "*.tar.gz"))
	c.must(err)
	for _, archive := range archives {
		c.run(unpacked, 0, c.environ(), "tar", "xzf", archive)
	}
	version := releaseName[1:]
	folder = filepath.Join(unpacked, "raincheck-stack_"+version+"_"+architecture())
	tool = filepath.Join(unpacked, "raincheck_"+version+"_linux_"+runtime.GOARCH, "raincheck")

	text, err := os.ReadFile(filepath.Join(folder, "template.yaml"))
	c.must(err)
	if _, err := template.AllowOnly(text, "Architecture", map[string]string{"arm64": "x86_64", "x86_64": "arm64"}[architecture()]); err == nil {
		c.Error("the template beside programs for " + architecture() + " allows other processors")
	}
	return folder, tool
}
