# One Cloud Run service for each entry point, all from one image (infra/images/orchestrator), named by its digest.

resource "google_cloud_run_v2_service" "function" {
  for_each            = local.functions
  name                = each.value.service
  location            = var.region
  description         = "orchestrator: ${each.key}"
  deletion_protection = var.deletion_protection
  labels              = local.labels
  # What only the queue calls cannot be called from the internet; Pub/Sub of the same project counts as internal
  # (Cloud Run: Restrict network ingress).
  ingress = each.key == "github_webhook" || contains(local.submitting, each.key) ? "INGRESS_TRAFFIC_ALL" : "INGRESS_TRAFFIC_INTERNAL_ONLY"
  # GitHub cannot sign in to Google: the webhook checks GitHub's signature before anything else. Without the IAM check no
  # binding for allUsers is needed, which organisations refuse by Domain Restricted Sharing (Cloud Run: Allow public access).
  invoker_iam_disabled = each.key == "github_webhook"


  template {
    service_account                  = each.key == "github_webhook" ? google_service_account.webhook.email : google_service_account.functions.email
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2" # bucket volumes need it
    timeout                          = "${each.value.timeout}s"
    max_instance_request_concurrency = each.value.concurrency
    labels                           = local.labels

    scaling {
      min_instance_count = each.value.min_instances
      max_instance_count = each.value.max_instances
    }

    containers {
      image   = var.image
      command = ["functions-framework"]
      args    = ["--source", "/opt/orchestrator/functions/main.py"]

      resources {
        limits            = { cpu = each.value.cpu, memory = each.value.memory }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = merge(
          local.environment,
          contains(local.app_users, each.key) ? local.app_environment : {},
          # Both of functions-framework. With fewer threads, requests would wait in the instance.
          { FUNCTION_TARGET = each.key, THREADS = tostring(each.value.concurrency) },
        )
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = each.key == "github_webhook" ? [var.github] : []
        content {
          name = "ORCHESTRATOR_GITHUB__WEBHOOK_SECRETS"
          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.github["webhook-secrets"].secret_id
              version = env.value.webhook_secrets_version
            }
          }
        }
      }

      dynamic "volume_mounts" {
        for_each = each.key == "github_webhook" ? [] : [1]
        content {
          name       = "config"
          mount_path = local.mount
        }
      }

      dynamic "volume_mounts" {
        for_each = contains(local.app_users, each.key) ? [1] : []
        content {
          name       = "github"
          mount_path = local.app_mount
        }
      }

      startup_probe {
        http_get {
          path = "/health"
        }
        period_seconds    = 2
        failure_threshold = 30
      }
    }

    dynamic "volumes" {
      for_each = each.key == "github_webhook" ? [] : [1]
      content {
        name = "config"
        gcs {
          bucket    = google_storage_bucket.config.name
          read_only = true
        }
      }
    }

    dynamic "volumes" {
      for_each = contains(local.app_users, each.key) ? [var.github] : []
      content {
        name = "github"
        secret {
          secret = google_secret_manager_secret.github["private-key"].secret_id
          items {
            path    = "private-key"
            version = volumes.value.private_key_version
          }
        }
      }
    }

    dynamic "vpc_access" {
      for_each = var.vpc != null && each.key != "github_webhook" ? [var.vpc] : []
      content {
        egress = "PRIVATE_RANGES_ONLY"
        network_interfaces {
          network    = vpc_access.value.network
          subnetwork = vpc_access.value.subnetwork
        }
      }
    }
  }

  lifecycle {
    precondition {
      condition     = var.image != null
      error_message = "image is not set: push infra/images/orchestrator to the repository of the output images, and give its digest."
    }
    precondition {
      condition     = local.asking <= var.api_server_requests
      error_message = "the functions could have ${local.asking} requests in flight at the API server, more than api_server_requests = ${var.api_server_requests}: lower functions.*.max_instances or concurrency, or raise it where the API server's own limits are higher."
    }
  }

  depends_on = [
    google_project_iam_member.cluster,
    google_storage_bucket_iam_member.config,
    google_storage_bucket_object.kubeconfig,
    google_storage_bucket_object.templates,
    google_secret_manager_secret_iam_member.github,
  ]
}

resource "google_cloud_run_v2_service_iam_member" "pusher" {
  for_each = local.fed_by
  name     = google_cloud_run_v2_service.function[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.pusher.member
}

resource "google_cloud_run_v2_service_iam_member" "submitters" {
  for_each = { for each in setproduct(local.submitting, var.submitters) : "${each[0]} ${each[1]}" => each }
  name     = google_cloud_run_v2_service.function[each.value[0]].name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value[1]
}
