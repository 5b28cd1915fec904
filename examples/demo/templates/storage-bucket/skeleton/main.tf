module "bucket" {
  source    = "git::https://git.limelight.example/rigging/modules.git//bucket"
  name      = "${{ values.name }}"
  owner     = "${{ values.owner }}"
  keep_days = ${{ values.days }}
  private   = ${{ values.contents === 'people' }}
}
