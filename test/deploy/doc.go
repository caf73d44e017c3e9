// Package deploy deploys raincheck onto an emulator of AWS that somebody else
// wrote, and walks the README's hour on it with the real tool: make test-deploy.
//
// What the emulator does not do is done by a bridge (bridges_test.go); each says
// which behaviour of AWS it replaces. What no emulator can show is printed at the
// end of the run, and stands in docs/deploying.md with the command and the answer
// to expect from a real account.
package deploy
