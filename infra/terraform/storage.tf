# What the functions read while they run, and where images are.

locals {
  images         = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.images.repository_id}"
  templates_dir  = coalesce(var.templates, "${path.module}/../../templates")
  template_files = fileset(local.templates_dir, "**/*.j2")
  # A directory for each set of templates: a revision sees one whole set, also while another is applied.
  templates = "templates/${sha256(join("\n", [for file in local.template_files : "${file} ${filesha256("${local.templates_dir}/${file}")}"]))}"
}

resource "google_storage_bucket" "config" {
  # checkov:skip=CKV_GCP_62:it holds templates and an address, no secret; Cloud Audit Logs tells of reads where they are on
  name                        = "${var.project_id}-${var.prefix}config"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection
  labels                      = local.labels
  versioning {
    enabled = true
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = 30
    }
  }
  depends_on = [google_project_service.used]
}

resource "google_storage_bucket_object" "templates" {
  for_each = { for file in local.template_files : "${local.templates}/${file}" => "${local.templates_dir}/${file}" }
  name     = each.key
  bucket   = google_storage_bucket.config.name
  source   = each.value
  lifecycle {
    create_before_destroy = true # the revision before reads them until the next one serves
  }
}

resource "google_storage_bucket_object" "kubeconfig" {
  name         = local.kubeconfig
  bucket       = google_storage_bucket.config.name
  content      = local.kubeconfig_text
  content_type = "application/json"
  lifecycle {
    create_before_destroy = true
  }
}

resource "google_storage_bucket_iam_member" "config" {
  bucket = google_storage_bucket.config.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.functions.member
}

resource "google_artifact_registry_repository" "images" {
  # checkov:skip=CKV_GCP_84:Google's own encryption keys; what is stored is built from public sources
  repository_id = trimsuffix(var.prefix, "-")
  location      = var.region
  format        = "DOCKER"
  description   = "Images of infra/images: orchestrator and agent."
  labels        = local.labels
  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 10
    }
  }
  cleanup_policies {
    id     = "delete-untagged"
    action = "DELETE"
    condition {
      tag_state  = "UNTAGGED"
      older_than = "2592000s"
    }
  }
  depends_on = [google_project_service.used]
}
