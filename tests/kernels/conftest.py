# SPDX-License-Identifier: GPL-2.0-or-later
"""The fixture `guest`: a kernel that has run all steps, for each kernel."""

import pytest

from guest import Guests, wanted_kernels


@pytest.fixture(scope="session")
def guests():
    all_guests = Guests()
    yield all_guests
    all_guests.close()


@pytest.fixture(scope="session",
                params=[kernel[0] for kernel in wanted_kernels()])
def guest(request, guests):
    return guests.guest(request.param)
