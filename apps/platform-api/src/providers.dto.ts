// How a provider is configured and shown.
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsObject, IsString, Length } from 'class-validator';
import { IsLine, IsSecret, Optional } from './fields.dto.js';

export class ConfigureProviderRequest {
  @ApiProperty({ description: 'Name of a connector of this service, such as rfc7009.', example: 'rfc7009' })
  @IsString()
  @Length(1, 64)
  connector: string;

  @ApiProperty({ example: 'Acme identity' })
  @IsLine()
  displayName: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: 'Checked by the connector. Never holds a secret.',
    example: { clientId: 'cascade', revocationEndpoint: 'https://idp.example.com/revoke' },
  })
  @IsObject()
  settings: Record<string, unknown>;

  @ApiPropertyOptional({
    writeOnly: true,
    description: 'Our credentials at the provider. Left out: the provider has none, whatever it had before.',
  })
  @Optional()
  @IsSecret()
  secret?: string;
}

export class ProviderAnswer {
  @ApiProperty()
  id: string;

  @ApiProperty()
  connector: string;

  @ApiProperty()
  displayName: string;

  @ApiProperty({ type: 'object', additionalProperties: true })
  settings: Readonly<Record<string, unknown>>;

  @ApiProperty()
  hasSecret: boolean;
}

export class ProviderList {
  @ApiProperty({ type: [ProviderAnswer] })
  providers: ProviderAnswer[];
}
