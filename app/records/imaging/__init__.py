"""DICOM files: their index by study, series and instance, whose they are, and DICOMweb."""
