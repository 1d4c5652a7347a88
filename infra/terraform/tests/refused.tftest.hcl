# What cannot work is refused before anything is made, by the name of its variable.

mock_provider "google" {}

variables {
  project_id = "acme-agents"
  region     = "europe-west4"
  cluster    = { name = "agents", location = "europe-west4", endpoint = "gke-0.europe-west4.gke.goog" }
  image      = "europe-west4-docker.pkg.dev/acme-agents/orchestrator/orchestrator@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  agent      = { image = "registry.example/agent", tag = "0.1.0" }
  templates  = "tests/fixture/templates"
}

run "values_that_cannot_be" {
  command = plan
  variables {
    project_id    = "Acme Agents"
    region        = "europe-west4-a" # a zone
    prefix        = "agents"         # without hyphen
    cluster       = { name = "agents", location = "europe-west4", endpoint = "https://gke-0.gke.goog" }
    image         = "registry.example/orchestrator:0.1.0" # a tag
    agent         = { image = "registry.example/agent", tag = "latest" }
    settings      = { limit = { runs = 1 } } # limits
    submitters    = ["allUsers"]
    github        = { app_id = 0 }
    agent_secrets = ["Claude_Key"]
    functions     = { reconciler = { max_instances = 1 } } # reconcile
  }
  expect_failures = [
    var.project_id, var.region, var.prefix, var.cluster, var.image, var.agent, var.settings, var.submitters,
    var.github, var.agent_secrets, var.functions,
  ]
}

run "values_that_do_not_go_together" {
  command = plan
  variables {
    agent     = { image = "registry.example/agent:0.1.0", tag = "0.1.0" }             # the tag twice
    cluster   = { name = "agents", location = "europe-west4", endpoint = "10.0.0.2" } # without certificate
    settings  = { github = { webhook_secrets = ["hush"] } }                           # a secret
    functions = { reconcile = { timeout = 30 } }                                      # shorter than the queue waits
  }
  expect_failures = [var.agent, var.cluster, var.settings, var.functions]
}

run "more_than_the_api_server_takes" {
  command = plan
  variables {
    functions = { reconcile = { max_instances = 40 } }
  }
  expect_failures = [google_cloud_run_v2_service.function]
}
