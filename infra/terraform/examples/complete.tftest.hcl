# The example, as far as it can be made without a cloud:
#   terraform test -test-directory=examples -var-file=examples/complete.tfvars
# tests/infra/test_terraform_agrees.py reads the state of this run.

mock_provider "google" {}

run "complete" {
  assert {
    condition     = length(google_cloud_run_v2_service.function) == 8
    error_message = "eight functions"
  }
  assert {
    condition     = [for each in google_cloud_run_v2_service_iam_member.webhook : each.member] == ["allUsers"]
    error_message = "GitHub cannot sign in: the webhook is for all"
  }
  assert {
    condition     = alltrue([for key, each in google_cloud_run_v2_service_iam_member.submitters : each.member == "group:platform@acme.example"]) && length(google_cloud_run_v2_service_iam_member.submitters) == 2
    error_message = "submitters may call the two submit functions"
  }
  assert {
    condition     = google_cloud_run_v2_service.function["github_webhook"].template[0].service_account == google_service_account.webhook.email
    error_message = "what everybody may call has an identity without a cluster"
  }
  assert {
    condition     = length(google_cloud_run_v2_service.function["github_webhook"].template[0].volumes) == 0
    error_message = "and nothing mounted"
  }
  assert {
    condition     = google_cloud_run_v2_service.function["submit_code"].template[0].scaling[0].min_instance_count == 1
    error_message = "what is chosen is used"
  }
  assert {
    condition     = google_cloud_run_v2_service.function["report"].template[0].scaling[0].max_instance_count == local.defaults.report.max_instances
    error_message = "and nothing else changes"
  }
  assert {
    condition     = google_pubsub_topic.this["runs"].name == "orchestrator-runs" && google_pubsub_topic.this["runs"].labels.team == "platform"
    error_message = "prefix and labels are used"
  }
}
