# Containers of secrets, and who may read each. Values are added with gcloud and never pass through Terraform, whose
# state would keep them.

resource "google_secret_manager_secret" "github" {
  for_each  = var.github == null ? toset([]) : toset(["private-key", "webhook-secrets"])
  secret_id = "${var.prefix}github-${each.value}"
  labels    = local.labels
  replication {
    auto {}
  }
  depends_on = [google_project_service.used]
}

resource "google_secret_manager_secret_iam_member" "github" {
  for_each  = google_secret_manager_secret.github
  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = each.key == "webhook-secrets" ? google_service_account.webhook.member : google_service_account.functions.member
}

resource "google_secret_manager_secret" "agent" {
  for_each  = var.agent_secrets
  secret_id = "${var.prefix}${each.value}"
  labels    = local.labels
  replication {
    auto {}
  }
  depends_on = [google_project_service.used]
}

# External Secrets reads them as this Kubernetes service account (../kubernetes/external-secrets).
resource "google_secret_manager_secret_iam_member" "agent" {
  for_each  = google_secret_manager_secret.agent
  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = "${local.in_cluster}/orchestrator-secrets"
}
