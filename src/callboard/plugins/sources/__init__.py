"""Discovery: sources that keep the catalog filled from hosts, directories, clusters, buckets, files and web APIs."""
