package secret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// JSON reads the secret of an ARN, which holds JSON, into v: once, for what a
// function needs at its start. Its errors say nothing of what the secret holds.
func JSON(ctx context.Context, cfg aws.Config, arn string, v any) error {
	client := secretsmanager.NewFromConfig(cfg, func(o *secretsmanager.Options) { o.Retryer = patiently() })
	ctx, cancel := context.WithTimeout(ctx, firstRead)
	defer cancel()
	out, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
	if err != nil {
		return fmt.Errorf("reading the secret: %w", err)
	}
	if err := json.Unmarshal([]byte(aws.ToString(out.SecretString)), v); err != nil {
		return errors.New("reading the secret: it is not JSON of the expected form")
	}
	return nil
}
