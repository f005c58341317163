"""What careloop relies on at an EHR, and where EHRs differ: the same tests on the real sekmet and
on the fakes that claim its habits and HAPI's.

Where the fake claims to be sekmet, the tests of the first class prove it: they ask the server
itself, not our client.
"""
