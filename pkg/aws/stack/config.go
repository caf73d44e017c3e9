package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
)

// Config finds region and credentials as the aws command does.
func Config(ctx context.Context) (aws.Config, error) {
	cfg, err := ConfigIn(ctx, "")
	if err == nil && cfg.Region == "" {
		err = errors.New("no AWS region is set: export AWS_REGION, or use a profile that has one (AWS_PROFILE)")
	}
	return cfg, err
}

// ConfigIn has a region to fall back on, for what has none of its own. The SDK logs
// nothing: what matters comes back as an error, and an operator reads standard error.
func ConfigIn(ctx context.Context, region string) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion(region), config.WithLogger(logging.Nop{}))
	if err != nil {
		return cfg, fmt.Errorf("read the AWS configuration: %w", err)
	}
	return cfg, nil
}

// InRegion is cfg in another region.
func InRegion(cfg aws.Config, region string) aws.Config {
	next := cfg.Copy()
	next.Region = region
	return next
}

// Configured says by what this machine is set up for AWS (a variable that lookup finds, or a
// file), empty if it is not.
func Configured(lookup func(string) (string, bool)) string {
	for _, name := range []string{"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_REGION", "AWS_DEFAULT_REGION"} {
		if v, _ := lookup(name); v != "" {
			return name
		}
	}
	if home, err := os.UserHomeDir(); err == nil {
		for _, file := range []string{"config", "credentials"} {
			if _, err := os.Stat(filepath.Join(home, ".aws", file)); err == nil {
				return "~/.aws/" + file
			}
		}
	}
	return ""
}
