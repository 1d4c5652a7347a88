# Everything that can be chosen, as a team might:
#   terraform -chdir=infra/terraform apply -var-file=examples/complete.tfvars
# What may be left out: settings, submitters, github, agent_secrets, functions, log_alerts,
# notification_channels, labels.

project_id = "acme-agents"
region     = "europe-west4"

cluster = {
  name     = "agents"
  location = "europe-west4"
  endpoint = "gke-0123456789abcdef0123456789abcdef0123-012345678901.europe-west4.gke.goog"
}

image = "europe-west4-docker.pkg.dev/acme-agents/orchestrator/orchestrator@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

agent = {
  image = "europe-west4-docker.pkg.dev/acme-agents/orchestrator/agent"
  tag   = "0.1.0@sha256:fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
}

settings = {
  limits    = { runs = 50, per_service = 3 }
  retention = { workspace_days = 30 }
  job       = { code_deadline = 5400 }
  github    = { default_app = "Acme-Rex" }
  access = { callers = { # who may have work done as whom; without it: whoever may submit, as anybody
    "*@acme.example" = { agents = ["rex"] }
    "github:*"       = { agents = ["rex"] }
    "github:octocat" = { agents = ["*"], users = ["octocat"] }
  } }
}

submitters = ["group:platform@acme.example"]

github        = { app_id = 123456 }
agent_secrets = ["claude-api-key", "github-app-rex"]

functions = {
  submit_code = { min_instances = 1 } # no cold start for people
}

log_alerts            = true # from the second apply on
notification_channels = ["projects/acme-agents/notificationChannels/1234567890"]
labels                = { team = "platform" }
