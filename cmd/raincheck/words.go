package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	_ "time/tzdata" // a machine without zones of its own, such as Windows

	"raincheck/pkg/aws/health"
	"raincheck/pkg/aws/table"
	"raincheck/pkg/diagnosis"
	"raincheck/pkg/email"
	"raincheck/pkg/site"
)

// wordsCmd is about what pages and mails say of the site.
type wordsCmd struct {
	Check   wordsCheckCmd   `cmd:"" help:"Check a file, and say what visitors would see and miss."`
	Set     wordsSetCmd     `cmd:"" help:"Check a file and store it: on every page within two minutes."`
	Example wordsExampleCmd `cmd:"" help:"Print a file to begin with."`
}

// wordsFile is the file of settings, as an argument.
type wordsFile struct {
	File string `arg:"" placeholder:"FILE" help:"The file of settings, as JSON; 'raincheck words example' prints one."`
}

// read parses the file; what is wrong with it is the caller's.
func (f wordsFile) read(e *env) (map[string]site.Words, error) {
	data, err := os.ReadFile(f.File)
	if err != nil {
		return nil, badInput("reading the words: %w", err)
	}
	all, err := site.Parse(data, site.Source{Languages: email.Tags(), Now: e.now(), Read: func(beside string) ([]byte, error) {
		if !filepath.IsAbs(beside) {
			beside = filepath.Join(filepath.Dir(f.File), beside)
		}
		return os.ReadFile(beside)
	}})
	if err != nil {
		return nil, badInput("reading the words in %s:\n  %s", f.File, strings.ReplaceAll(err.Error(), "\n", "\n  "))
	}
	return all, nil
}

// wordsCheckCmd checks a file.
type wordsCheckCmd struct{ wordsFile }

// Run checks.
func (c *wordsCheckCmd) Run(e *env) error {
	all, err := c.read(e)
	if err == nil {
		fmt.Fprint(e.stdout, site.Summary(all, email.DefaultLanguage))
	}
	return err
}

// wordsSetCmd stores a file.
type wordsSetCmd struct {
	deployed
	apply
	wordsFile
}

// Help is shown by --help.
func (c *wordsSetCmd) Help() string {
	return "The file replaces everything that was set before, in all languages. None of it is a parameter of the stack: no deploy is needed. " +
		"They are on every page within two minutes."
}

// Run stores.
func (c *wordsSetCmd) Run(e *env) error {
	all, err := c.read(e)
	if err != nil {
		return err
	}
	s, err := c.session(e)
	if err != nil {
		return err
	}
	store, err := s.store()
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "On the stack %s:\n%s", s.Name, site.Summary(all, email.DefaultLanguage))
	if !c.Apply {
		fmt.Fprintln(e.stdout, "Nothing was changed. Add --apply to do it.")
		return nil
	}
	for _, tag := range slices.Sorted(maps.Keys(all)) {
		if err := store.SaveWords(e.ctx, tag, all[tag]); err != nil {
			return awsWords(fmt.Errorf("writing the words of %s (those before it, in the order of their tags, are written; run it again): %w", tag, err))
		}
	}
	fmt.Fprintln(e.stdout, "Done. On every page within two minutes, and in the mails from then on.")
	return nil
}

// wordsExampleCmd prints a file to begin with.
type wordsExampleCmd struct{}

// Run prints it.
func (wordsExampleCmd) Run(e *env) error {
	fmt.Fprint(e.stdout, site.Example)
	return nil
}

// wording says what a visitor would miss in the words of a deployed stack.
func (s *session) wording(ctx context.Context, store *table.Table) []health.Finding {
	tags := strings.Split(cmp.Or(s.Parameters["Languages"], email.DefaultLanguage), ",")
	words, err := store.Words(ctx, tags[0])
	return diagnosis.Words(words, awsWords(err), tags, s.Parameters["SiteHost"])
}
