"""DICOM instances over DICOMweb or from a folder, and their de-identification."""
