# The example, as far as it can be made without a cloud:
#   terraform test -test-directory=examples -var-file=examples/complete.tfvars
# tests/infra/test_terraform_agrees.py reads the state of this run.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

run "complete" {
  assert {
    condition     = length(google_cloud_run_v2_service.function) == 8
    error_message = "eight functions"
  }
  assert {
    condition     = [for name, each in google_cloud_run_v2_service.function : name if each.invoker_iam_disabled] == ["github_webhook"]
    error_message = "GitHub cannot sign in: the webhook, and nothing else, is callable without a token"
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
    condition     = alltrue([for each in google_cloud_run_v2_service.function : each.template[0].containers[0].image == var.image])
    error_message = "every function runs from the one image"
  }
  assert {
    condition     = alltrue([for name, each in google_cloud_run_v2_service.function : [for env in each.template[0].containers[0].env : env.value if env.name == "FUNCTION_TARGET"] == [name]])
    error_message = "each service serves the function that it is named for"
  }
  assert {
    condition     = alltrue([for each in google_cloud_run_v2_service.function : endswith(each.template[0].containers[0].args[1], "/functions/main.py")])
    error_message = "functions-framework is told where the functions are"
  }
  assert {
    condition     = alltrue([for each in google_pubsub_subscription.push : each.push_config[0].no_wrapper[0].write_metadata && each.expiration_policy[0].ttl == "" && each.retry_policy[0].minimum_backoff == "0.5s"])
    error_message = "pushes are CloudEvents, subscriptions never expire, and a refused message comes back after half a second"
  }
  assert {
    condition     = { for name, each in google_cloud_scheduler_job.this : name => each.schedule } == { sweep = "* * * * *", retention = "30 * * * *" }
    error_message = "a sweep a minute, a retention pass an hour"
  }
  assert {
    condition     = google_storage_bucket.config.name == "acme-agents-orchestrator-config" && google_storage_bucket.config.versioning[0].enabled && google_storage_bucket.config.public_access_prevention == "enforced"
    error_message = "the bucket of the templates is private and keeps versions"
  }
  assert {
    condition     = length(google_monitoring_alert_policy.stuck_runs) == 1 && google_monitoring_alert_policy.no_sweep.severity == "CRITICAL"
    error_message = "all alerts are there once log_alerts is on"
  }
  assert {
    condition     = google_pubsub_topic.this["runs"].name == "orchestrator-runs" && google_pubsub_topic.this["runs"].labels.team == "platform"
    error_message = "prefix and labels are used"
  }
}
