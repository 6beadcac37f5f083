int CBLAS_placeholder;
