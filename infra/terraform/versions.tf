# The control plane on Google Cloud, beside a GKE cluster that is there: functions, queues, schedules, secrets' containers,
# identities, alerts. What goes on the cluster is in ../kubernetes; ../../docs/operations.md has the order of things.
terraform {
  required_version = ">= 1.9"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50, < 7"
    }
  }
}

provider "google" {
  project = var.project_id
  region  = var.region
}

# What the provider itself calls before anything else must be on already: cloudresourcemanager (the project's number),
# serviceusage (the resource below). ../../docs/install-google-cloud.md has the command.
data "google_project" "this" {
  project_id = var.project_id
}

resource "google_project_service" "used" {
  for_each = toset([
    "artifactregistry.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "container.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
  ])
  project            = var.project_id
  service            = each.value
  disable_on_destroy = false
}
