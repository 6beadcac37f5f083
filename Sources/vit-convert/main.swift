print("vit-convert")
