package emulators

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"raincheck/test/template"
)

// Deploy makes the generated secrets of template.yaml on the stand-in for Secrets
// Manager, and works out the stack that has them, and a store at the edge of its
// own. physical are the ids of what was made already, by the resource's name in the
// template; Deploy adds those of what it made.
func Deploy(ctx context.Context, at aws.Config, name string, parameters, physical map[string]string) (*template.Stack, error) {
	text, err := template.Read(template.Main)
	if err != nil {
		return nil, fmt.Errorf("reading the template: %w", err)
	}
	stack, err := text.Deploy(name, parameters, physical)
	if err != nil {
		return nil, fmt.Errorf("working the stack out: %w", err)
	}
	secrets := secretsmanager.NewFromConfig(at)
	for _, logical := range text.Resources("AWS::SecretsManager::Secret") {
		value, err := stack.Secret(logical)
		if err != nil {
			return nil, fmt.Errorf("generating a secret: %w", err)
		}
		out, err := secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String(name + "-" + logical), SecretString: &value})
		if err != nil {
			return nil, fmt.Errorf("making the secret %s: %w", logical, err)
		}
		physical[logical] = *out.ARN
	}
	physical["MailSet"] = stack.Outputs["ConfigurationSet"]
	physical["EdgeStore"] = stack.Outputs["EdgeStoreArn"] + name
	return text.Deploy(name, parameters, physical)
}
