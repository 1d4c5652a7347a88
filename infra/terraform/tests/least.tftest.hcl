# The least that must be given makes an installation without GitHub: nothing in it is public.

mock_provider "google" {}

variables {
  project_id = "acme-agents"
  region     = "europe-west4"
  cluster    = { name = "agents", location = "europe-west4", endpoint = "10.0.0.2", ca_certificate = "Y2E=" }
  image      = "europe-west4-docker.pkg.dev/acme-agents/orchestrator/orchestrator@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  agent      = { image = "registry.example/agent", tag = "0.1.0" }
  templates  = "tests/fixture/templates"
  vpc        = { network = "agents", subnetwork = "agents" }
}

run "least" {
  assert {
    condition     = toset(keys(google_cloud_run_v2_service.function)) == toset(["submit_docs", "submit_code", "reconcile", "report", "job_finished", "sweep"])
    error_message = "six functions"
  }
  assert {
    condition     = !anytrue([for each in google_cloud_run_v2_service.function : each.invoker_iam_disabled]) && length(google_cloud_run_v2_service_iam_member.submitters) == 0
    error_message = "nobody but the queue may call a function"
  }
  assert {
    condition     = alltrue([for each in google_cloud_run_v2_service_iam_member.pusher : each.member == google_service_account.pusher.member])
    error_message = "pushes have an identity of their own"
  }
  assert {
    condition     = alltrue([for name in ["reconcile", "report", "job_finished", "sweep"] : google_cloud_run_v2_service.function[name].ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY"])
    error_message = "what only the queue calls is not open to the internet"
  }
  assert {
    condition     = length(google_monitoring_alert_policy.stuck_runs) == 0 && google_logging_metric.undriven.name == "orchestrator-runs-not-driven"
    error_message = "the first apply makes the log-based metric, and no alert on it"
  }
  assert {
    condition     = length(google_secret_manager_secret.github) == 0 && output.webhook_url == null
    error_message = "nothing of GitHub"
  }
  assert {
    condition     = yamldecode(google_storage_bucket_object.kubeconfig.content).clusters[0].cluster == { server = "https://10.0.0.2", certificate-authority-data = "Y2E=" }
    error_message = "the kubeconfig leads to the cluster, and trusts its certificate"
  }
  assert {
    condition     = alltrue([for each in google_cloud_run_v2_service.function : each.template[0].vpc_access[0].network_interfaces[0].subnetwork == "agents"])
    error_message = "and the functions reach its private address"
  }
  assert {
    condition     = toset(google_project_iam_custom_role.cluster.permissions) == toset(["container.clusters.connect", "container.clusters.get"])
    error_message = "more would pass by the cluster's RBAC"
  }
  assert {
    condition     = toset([for subject in yamldecode(output.kubernetes_rights).subjects : subject.name]) == toset([google_service_account.functions.email, google_service_account.functions.unique_id])
    error_message = "bound by e-mail and by number"
  }
}
