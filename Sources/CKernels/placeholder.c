int CKernels_placeholder;
