"""FHIR R4 on the wire: codes, references, drafts and bundles (pure), the client and SMART Backend
Services (I/O).
"""
