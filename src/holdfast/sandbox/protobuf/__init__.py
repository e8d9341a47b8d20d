"""Reading protobuf bodies: what kubectl sends when it makes an object itself."""
