package ec2instance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// settings say which account and region a task means. Equal settings share a
// session.
type settings struct {
	region, profile, endpoint             string
	access, secret, token                 string
	configFile, credentialsFile, caBundle string
	insecure                              bool
}

// settle reads the settings from arguments and environment: the task's own
// environment before the controller's.
func settle(args module.Args, env map[string]string) settings {
	first := func(param string, names ...string) string {
		if v := args.String(param); v != "" {
			return v
		}
		for _, n := range names {
			if v, ok := env[n]; ok && v != "" {
				return v
			}
			if v := os.Getenv(n); v != "" {
				return v
			}
		}
		return ""
	}
	s := settings{
		region:     first("region", "AWS_REGION", "AWS_DEFAULT_REGION", "EC2_REGION"),
		profile:    args.String("profile"),
		endpoint:   strings.TrimSuffix(first("endpoint_url", "AWS_URL", "EC2_URL", "S3_URL"), "/"),
		caBundle:   first("aws_ca_bundle", "AWS_CA_BUNDLE"),
		insecure:   !args.Bool("validate_certs"),
		configFile: env["AWS_CONFIG_FILE"], credentialsFile: env["AWS_SHARED_CREDENTIALS_FILE"],
	}
	if s.profile == "" && args.String("access_key") == "" && args.String("secret_key") == "" {
		s.profile = first("profile", "AWS_DEFAULT_PROFILE", "AWS_PROFILE")
	}
	if s.profile == "" {
		s.access = first("access_key", "AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "EC2_ACCESS_KEY")
		s.secret = first("secret_key", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "EC2_SECRET_KEY")
		s.token = first("session_token", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "EC2_SECURITY_TOKEN")
	}
	return s
}

// session is what came of settings: an SDK's configuration, and the account.
type session struct {
	config  aws.Config
	account string
}

// sessions keeps them, so that temporary credentials are fetched once and the
// account is asked for once.
type sessions struct {
	lock  chan struct{} // guards known; a channel, so that a wait can be given up
	known map[settings]*session
}

func newSessions() *sessions {
	return &sessions{lock: make(chan struct{}, 1), known: map[settings]*session{}}
}

// client returns a client for what the arguments say.
func (s *sessions) client(ctx context.Context, p module.Pacer, args module.Args, env map[string]string) (*client, error) {
	set := settle(args, env)
	select {
	case s.lock <- struct{}{}:
		defer func() { <-s.lock }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ses := s.known[set]
	if ses == nil {
		cfg, err := set.load(ctx)
		if err != nil {
			return nil, err
		}
		account, err := identify(ctx, p, cfg)
		if err != nil {
			return nil, err
		}
		ses = &session{cfg, account}
		s.known[set] = ses
	}
	place := ses.config.Region
	if set.endpoint != "" {
		place = set.endpoint + "/" + place // another service, with limits of its own
	}
	return &client{api: ec2.NewFromConfig(ses.config), pace: p, prefix: "ec2/" + ses.account + "/" + place + "/"}, nil
}

// load makes the SDK's configuration. The SDK makes no call twice by itself:
// each try is to take a token.
func (s settings) load(ctx context.Context) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
		config.WithLogger(logging.Nop{}),
	}
	if s.region != "" {
		options = append(options, config.WithRegion(s.region))
	}
	if s.profile != "" {
		options = append(options, config.WithSharedConfigProfile(s.profile))
	}
	if s.configFile != "" {
		options = append(options, config.WithSharedConfigFiles([]string{s.configFile}))
	}
	if s.credentialsFile != "" {
		options = append(options, config.WithSharedCredentialsFiles([]string{s.credentialsFile}))
	}
	if s.access != "" || s.secret != "" {
		if s.access == "" || s.secret == "" {
			return aws.Config{}, errors.New("Partial credentials found: both access_key and secret_key are needed")
		}
		options = append(options, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(s.access, s.secret, s.token)))
	}
	if s.endpoint != "" {
		options = append(options, config.WithBaseEndpoint(s.endpoint))
	}
	if s.insecure || s.caBundle != "" {
		http, err := s.http()
		if err != nil {
			return aws.Config{}, err
		}
		options = append(options, config.WithHTTPClient(http))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	var none config.SharedConfigProfileNotExistError
	switch {
	case errors.As(err, &none):
		return cfg, fmt.Errorf("The config profile (%s) could not be found", s.profile)
	case err != nil:
		return cfg, err
	case cfg.Region == "":
		return cfg, errors.New("The ec2_instance module requires a region and none was found in configuration, environment variables or module parameters")
	}
	return cfg, nil
}

func (s settings) http() (*awshttp.BuildableClient, error) {
	trust := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.insecure}
	if s.caBundle != "" && !s.insecure {
		data, err := os.ReadFile(s.caBundle)
		if err != nil {
			return nil, fmt.Errorf("aws_ca_bundle: %w", err)
		}
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(data) {
			return nil, fmt.Errorf("aws_ca_bundle: no certificate in %s", s.caBundle)
		}
	}
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.TLSClientConfig = trust }), nil
}

// stsRate is far below what the service allows; one call a session is made.
var stsRate = parallel.Limited("sts", 10, 1)

// identify finds the account that rates belong to. A service that does not
// tell, which other makers' may not, leaves the access key in its place.
func identify(ctx context.Context, p module.Pacer, cfg aws.Config) (string, error) {
	keys, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", fmt.Errorf("Unable to locate credentials: %s", rootText(err))
	}
	for try := 1; ; try++ {
		if err := p.Token(ctx, stsRate); err != nil {
			return "", err
		}
		out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		switch {
		case err == nil && aws.ToString(out.Account) != "":
			return aws.ToString(out.Account), nil
		case ctx.Err() != nil:
			return "", ctx.Err()
		case err != nil && isThrottle(err) && try < passingTries:
			p.Throttled(stsRate.Name)
			continue
		case err != nil && isPassing(err) && try < passingTries:
			if err := sleep(ctx, backoff(try)); err != nil {
				return "", err
			}
			continue
		}
		var api smithy.APIError
		var answer *awshttp.ResponseError
		answered := errors.As(err, &api) || errors.As(err, &answer) && answer.HTTPStatusCode() != 0
		if err != nil && !answered {
			return "", &callError{action: "GetCallerIdentity", err: err} // nobody there
		}
		return "key-" + keys.AccessKeyID, nil
	}
}

// mapOf is value.MapOf; list is a list or nothing.
func mapOf(pairs ...any) *value.Map { return value.MapOf(pairs...) }

func list(v any) []any {
	l, _ := v.([]any)
	return l
}
