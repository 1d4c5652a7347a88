# Who does what, each with the least that it needs:
#   functions   speaks to the cluster, publishes lifecycle events and passes that hand on, reads templates and App's key
#   webhook     is called by everybody: it reads its own secrets and publishes on one topic, and has no cluster
#   pusher      what pushes say they are; it may call functions
# The bridge and External Secrets are Kubernetes service accounts, known to Google by Workload Identity.

resource "google_service_account" "functions" {
  account_id   = "${var.prefix}functions"
  display_name = "orchestrator: functions"
  depends_on   = [google_project_service.used]
}

resource "google_service_account" "webhook" {
  account_id   = "${var.prefix}webhook"
  display_name = "orchestrator: github_webhook"
  depends_on   = [google_project_service.used]
}

resource "google_service_account" "pusher" {
  account_id   = "${var.prefix}pusher"
  display_name = "orchestrator: pushes of the queue"
  depends_on   = [google_project_service.used]
}

locals {
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  # A Kubernetes service account as an IAM principal (GKE: Authenticate to Google Cloud APIs from GKE workloads).
  in_cluster = "principal://iam.googleapis.com/projects/${data.google_project.this.number}/locations/global/workloadIdentityPools/${var.project_id}.svc.id.goog/subject/ns/${var.cluster.namespace}/sa"
  bridge     = "${local.in_cluster}/orchestrator-bridge"

  publishers = merge(
    {
      "runs by the bridge"         = { topic = "runs", member = local.bridge }
      "jobs by the bridge"         = { topic = "jobs", member = local.bridge }
      "lifecycle by the functions" = { topic = "lifecycle", member = google_service_account.functions.member }
      "sweep by the functions"     = { topic = "sweep", member = google_service_account.functions.member } # a pass that hands on
    },
    var.github == null ? {} : { "github by the webhook" = { topic = "github", member = google_service_account.webhook.member } },
  )
}

# To reach the cluster and nothing more: any role with more of container.* would pass by the cluster's own RBAC.
resource "google_project_iam_custom_role" "cluster" {
  role_id     = "${replace(var.prefix, "-", "_")}cluster"
  title       = "orchestrator: reach the cluster"
  description = "What a caller may do there is for the cluster's RBAC to say."
  permissions = ["container.clusters.connect", "container.clusters.get"]
  depends_on  = [google_project_service.used]
}

resource "google_project_iam_member" "cluster" {
  project = var.project_id
  role    = google_project_iam_custom_role.cluster.id
  member  = google_service_account.functions.member
}

# Projects older than April 2021 need it for the tokens of pushes (Pub/Sub: Authentication for push subscriptions).
resource "google_service_account_iam_member" "pubsub" {
  service_account_id = google_service_account.pusher.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub_agent
}
