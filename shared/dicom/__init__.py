"""DICOM instances over DICOMweb or from a folder."""
