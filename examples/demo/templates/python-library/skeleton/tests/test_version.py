import ${{ values.package }}


def test_it_has_a_version():
    assert ${{ values.package }}.__version__
