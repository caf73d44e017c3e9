// Built makes the template that SAM has written beside the programs allow only
// the processors that they were built for:
//
//	go run ./test/template/built arm64 .aws-sam/build/template.yaml
//
// Deployed onto other ones, every function would end at its start with
// "exec format error", and the first to notice would be visitors.
package main

import (
	"fmt"
	"os"

	"raincheck/test/template"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "built:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: built ARCHITECTURE TEMPLATE")
	}
	text, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	only, err := template.AllowOnly(text, "Architecture", args[0])
	if err != nil {
		return fmt.Errorf("%s: %w", args[1], err)
	}
	return os.WriteFile(args[1], only, 0o644)
}
