import os, sys
print(sys.argv[1:], os.getcwd())
